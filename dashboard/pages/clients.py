"""Page clients: whose they are, and how many there may be."""

from __future__ import annotations

from typing import Any

from nicegui import Client, app, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.config import Settings
from dashboard.pages.origin_key import SHOW_KEY

PATIENCE = 20.0  # seconds that a page waits for its browser's socket; one that comes later loads the page anew
LOOK = 5.0  # seconds between looks at which pages wait in vain


def install() -> None:
    """Forget pages that nobody has opened, and make none for what is not there."""
    app.add_exception_handler(404, _not_found)
    app.timer(LOOK, lambda: Client.prune_instances(client_age_threshold=PATIENCE))


def make_room(settings: Settings) -> Response | None:
    """Admit the page that is being made to those of its user, or give the answer that refuses it.

    Of pages that still wait for their browser the oldest gives way: a program that fetches pages only costs itself.
    """
    new = ui.context.client
    user = user_of(new.request.scope)
    others = [client for client in Client.instances.values() if client is not new and owner(client) == user]
    waiting = [client for client in others if not client.has_socket_connection and client._pinned_tab_id is None]
    for client in waiting[: max(0, len(waiting) - settings.max_waiting_pages + 1)]:
        client.delete()
    if len(others) - len(waiting) < settings.max_pages:
        ui.add_body_html(SHOW_KEY)
        return None
    new.delete()
    words = f'You have {settings.max_pages:,} pages open, which is the limit. Close some of them.'
    return PlainTextResponse(words, 429, {'Retry-After': '10'})


async def arrived() -> bool:
    """Wait for the browser of the page that is being made; False when it does not come.

    Only its socket shows the key of the origin, so what is anybody's is put on the page after this.
    """
    client = ui.context.client
    await client.connected()
    return not client.is_deleted


def download(address: str) -> None:
    """Let the browser download from an address of ours, without the base path."""
    ui.download.from_url(ui.context.client.request.state.ticket(address))


def owner(client: Client) -> str:
    """The user whom a page was made for."""
    return user_of(client.request.scope)


def user_of(scope: Any) -> str:
    """The user whom the gate has let in with this request; '' for nobody."""
    identity = scope.get('state', {}).get('identity')
    return identity.username if identity else ''


async def _not_found(request: Request, error: Exception) -> Response:
    """In place of NiceGUI's page, which keeps a client for whoever asks for what is not there."""
    return PlainTextResponse('There is nothing at this address.', 404)
