"""What all pages share: the bar with the places one may go, where one is, and the user's menu.

A page is ``with shell(visit, request, accounts, audit) as frame:`` around what is its own; a new one joins ``PLACES``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nicegui import ui
from starlette.requests import Request

from dashboard.access import Accounts, Audit, Visit
from dashboard.pages import theme
from dashboard.pages.account_menu import account_menu
from dashboard.pages.mark import mark
from dashboard.pages.preferences import Preferences
from dashboard.web import address_of, may_open, path_for, path_of

TITLE = 'Docker Log Dashboard'
LOGS = '/logs'
# who may go there, and whether there is such a page, is said by the table of routes
PLACES = {
    'Logs': LOGS,
    'Search': '/search',
    'Help': '/help',
    'Users': '/users',
    'Audit': '/audit',
    'Storage': '/storage',
}
# the browser knows how the logs were looked at last in this tab, and the way back leads there
KEEP_VIEW = "addEventListener('pagehide', () => sessionStorage.setItem('view', location.search));"
_BACK_TO_VIEW = "(e) => { e.currentTarget.search = sessionStorage.getItem('view') ?? ''; }"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the shell gives to its page: places of its own in the bar and in the menu, and the user's preferences."""

    bar: ui.element
    menu: ui.element
    preferences: Preferences


@contextmanager
def shell(visit: Visit, request: Request, accounts: Accounts, audit: Audit) -> Iterator[Frame]:
    """The page around what is made inside."""
    identity = visit.identity
    preferences = Preferences(accounts, identity.username)
    theme.apply()
    dark = ui.dark_mode(preferences.dark)
    here = path_of(request.scope)
    with ui.element('header').classes('shell'):
        with ui.button(icon='menu').props('flat dense round aria-label="Places"').classes('fold'), ui.menu():
            _places(request, here, identity.is_admin)
        with _link(request, LOGS).classes('brand').props(f'aria-label="{TITLE}"'):
            ui.html(mark(), sanitize=False)
            ui.label(TITLE).classes('title')
        _places(request, here, identity.is_admin)
        bar = ui.element('div').classes('own')
        menu = account_menu(accounts, audit, identity, address_of(request), preferences, dark)
    yield Frame(bar, menu, preferences)


def _places(request: Request, here: str, is_admin: bool) -> None:
    with ui.element('nav').classes('places').props('aria-label="Places"'):
        for name, path in PLACES.items():
            if may_open(path, is_admin):
                with _link(request, path) as link:
                    ui.label(name)
                if here == path or here.startswith(f'{path}/'):
                    link.props(f'aria-current={"page" if here == path else "true"}')


def _link(request: Request, path: str) -> ui.element:
    link = ui.element('a').props(f'href="{path_for(request.scope, path)}"')
    if path == LOGS:
        for event in ('pointerdown', 'click'):  # the first for a new tab; the keyboard only clicks
            link.on(event, js_handler=_BACK_TO_VIEW)
    return link
