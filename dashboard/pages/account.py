"""The page ``/account``: where one is signed in, and the API tokens for one's scripts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import NAME_LENGTH, Accounts, Audit, Identity, Session, Visit
from dashboard.config import Settings
from dashboard.pages import clients
from dashboard.pages.parts import button, row, section, sheet, when
from dashboard.pages.presence import stay
from dashboard.pages.shell import shell
from dashboard.web import address_of

LASTING = {7: '7 days', 30: '30 days', 90: '90 days', 365: 'a year'}
SHOWN = 50  # sessions; whoever has more is a script that signs in again and again


def install(accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the page."""

    @ui.page('/account', title='Account · Docker Log Dashboard')
    async def account(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        page = AccountPage(accounts, visit, partial(audit.record, who=visit.identity, address=address_of(request)))
        with shell(visit, request, accounts, audit):
            if await clients.arrived():
                page.build()
        return None


class AccountPage:
    """One browser tab."""

    def __init__(self, accounts: Accounts, visit: Visit, note: Callable[..., None]) -> None:
        self._accounts = accounts
        self._note = note  # what the user does, into the audit log
        self._sessions = accounts.sessions
        self._visit = visit

    def build(self) -> None:
        """Make the page."""
        identity = self._visit.identity
        with sheet(f'Account of {identity.username}'):
            ui.label(f'{identity.role}, sees {identity.scope}').classes('soft')
            self._list = section('Sessions', 'Where you are signed in. Ending a session closes its pages at once.')
            button('End all others', self._end_others)
            self._token_list = section('API tokens', 'For scripts: a token reads the logs that you may see, no more.')
            self._build_form()
        self._show()

    def _build_form(self) -> None:
        with ui.element('div').classes('form'):
            self._name = ui.input('Name of the token').props(f'dense outlined maxlength={NAME_LENGTH}')
            self._days = ui.select(LASTING, value=90, label='Lasts').props('dense outlined').classes('tail')
            button('Make a token', self._make)
        with ui.dialog().props('persistent') as self._dialog, ui.card():
            ui.label('Copy the token now: it is not shown again.')
            self._secret = ui.input('Token').props('readonly outlined dense').classes('full-width secret')
            ui.button('Done', on_click=self._forget).props('no-caps')

    def _show(self) -> None:
        identity = self._identity()
        self._list.clear()
        with self._list:
            for session in self._sessions.of(identity.username)[:SHOWN]:
                self._show_session(session, session.id == identity.session_id)
        self._token_list.clear()
        with self._token_list:
            for token in self._sessions.tokens_of(identity.username):
                self._show_token(token)

    def _show_session(self, session: Session, current: bool) -> None:
        title = f'{session.agent or "unknown"} from {session.address or "unknown"}'
        words = f'since {when(session.created)}, last used {when(session.last_used)}'
        with row(f'{title} (this one)' if current else title, words):
            button('End', partial(self._end, session.id), f'End the session: {title}')

    def _show_token(self, token: Session) -> None:
        used = f'last used {when(token.last_used)}' if token.last_used else 'never used'
        with row(token.label, f'until {when(token.expires)}, {used}'):
            button('Revoke', partial(self._revoke, token.id), f'Revoke the token: {token.label}')

    # what the user does

    def _end(self, id: str) -> None:
        identity = self._identity()
        self._sessions.end(identity.username, id)
        self._note('session-end', session=id)
        if id != identity.session_id:  # else this page is about to go
            self._show()

    def _end_others(self) -> None:
        self._note('session-end', ended=self._sessions.end_others(self._identity()))
        self._show()

    def _make(self) -> None:
        user = self._accounts.users.known(self._identity().username)
        made = self._sessions.make_token(user, str(self._name.value or ''), int(self._days.value or 0))
        self._note('token-make', token=made.session.label, days=self._days.value)
        self._secret.set_value(made.secret)
        self._name.set_value('')
        self._dialog.open()
        self._show()

    def _forget(self) -> None:
        self._secret.set_value('')
        self._dialog.close()

    def _revoke(self, id: str) -> None:
        self._sessions.revoke(self._identity().username, id)
        self._note('token-revoke', token=id)
        self._show()

    def _identity(self) -> Identity:
        """As it is now, whatever it was when the page was opened."""
        return self._sessions.still(self._visit.identity)
