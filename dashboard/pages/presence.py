"""The visit of a page: it lasts as long as the tab, and not a second longer than its token."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from nicegui import Client, ui

from dashboard.access import Accounts, Identity, Visit
from dashboard.web import NOTICE


def stay(accounts: Accounts, identity: Identity) -> Visit:
    """Begin the visit of the page that is being built.

    When it ends, or its user may do other things than before, the page is loaded anew: the gate then leads to sign-in,
    or the page shows what is so now. The old one is forgotten here, also by a browser that does not do as it is told.
    """
    client = ui.context.client
    here = ExitStack()
    visit = here.enter_context(accounts.visits.visit(identity))

    def look_again() -> None:
        with client:
            ui.navigate.reload()
        asyncio.get_running_loop().call_later(NOTICE, _delete, client)

    here.enter_context(visit.telling(look_again))
    client.on_delete(here.close)
    return visit


def _delete(client: Client) -> None:
    if client.id in Client.instances:  # it may have gone by itself
        client.delete()
