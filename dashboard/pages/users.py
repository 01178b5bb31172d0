"""The page ``/users``, for administrators: who may come in, and what they see."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import EVERYTHING, Accounts, Audit, Scope, User, Visit, require_admin
from dashboard.config import Settings
from dashboard.pages import clients
from dashboard.pages.parts import button, row, section, sheet, when
from dashboard.pages.presence import stay
from dashboard.pages.shell import shell
from dashboard.web import address_of

KINDS = {'all': 'Viewer of everything', 'scope': 'Viewer of some services', 'admin': 'Administrator'}


def install(accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the page."""

    @ui.page('/users', title='Users · Docker Log Dashboard')
    async def users(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        page = UsersPage(accounts, visit, partial(audit.record, who=visit.identity, address=address_of(request)))
        with shell(visit, request, accounts, audit):
            if await clients.arrived():
                page.build()
        return None


class UsersPage:
    """One browser tab."""

    def __init__(self, accounts: Accounts, visit: Visit, note: Callable[..., None]) -> None:
        self._accounts = accounts
        self._note = note  # what the administrator does, into the audit log
        self._visit = visit
        self._editing = ''  # the user whose form is open; '' for a new one

    def build(self) -> None:
        """Make the page."""
        with sheet('Users'):
            self._list = section('Who may come in')
            button('Add a user', self._open_new)
        self._build_form()
        self._show()

    def _build_form(self) -> None:
        with ui.dialog() as self._dialog, ui.card().classes('tight').style('width: 420px'):
            self._title = ui.label().classes('caption')
            self._name = ui.input('User name').props('autocomplete=off').classes('full-width')
            self._kind = ui.select(KINDS, label='Role').classes('full-width')
            self._patterns = ui.textarea('Services, one pattern a line').props('rows=3').classes('full-width')
            self._patterns.props('hint="project/service, such as shop/* or */web or, without compose, /redis"')
            self._patterns.bind_visibility_from(self._kind, 'value', lambda kind: kind == 'scope')
            self._password = (
                ui.input('Password', password=True).props('autocomplete=new-password').classes('full-width')
            )
            with ui.row():
                button('Save', self._save)
                ui.button('Cancel', on_click=self._dialog.close).props('flat dense no-caps')

    def _show(self) -> None:
        self._list.clear()
        with self._list:
            for user in self._accounts.users.all():
                self._show_user(user, len(self._accounts.sessions.of(user.username)))

    def _show_user(self, user: User, sessions: int) -> None:
        words = f'{user.role}, sees {user.scope}, since {when(user.created)}, sessions: {sessions}'
        with row(user.username, words):
            button('Change', partial(self._open, user), f'Change {user.username}')
            button('End sessions', partial(self._end_sessions, user.username), f'End the sessions of {user.username}')
            button('Remove', partial(self._confirm_removal, user.username), f'Remove {user.username}')

    # what the administrator does

    def _open_new(self) -> None:
        self._fill('', 'all', '')

    def _open(self, user: User) -> None:
        kind = 'admin' if user.is_admin else 'all' if user.scope == EVERYTHING else 'scope'
        self._fill(user.username, kind, '\n'.join(user.scope.patterns or ()))

    def _fill(self, name: str, kind: str, patterns: str) -> None:
        self._editing = name
        self._title.set_text(f'Change {name}' if name else 'Add a user')
        self._name.set_value(name)
        self._name.set_visibility(not name)
        self._kind.set_value(kind)
        self._patterns.set_value(patterns)
        self._password.set_value('')
        self._password.props(f'label="{"New password, or empty" if name else "Password"}"')
        self._dialog.open()

    async def _save(self) -> None:
        self._require_admin()
        name, kind, password = self._editing, self._kind.value, str(self._password.value or '')
        scope = Scope.of(str(self._patterns.value or '').split('\n')) if kind == 'scope' else EVERYTHING
        if name:
            self._accounts.users.set_rights(name, is_admin=kind == 'admin', scope=scope)
            self._note('user-change', name=name, admin=kind == 'admin', scope=scope)
            if password:
                await self._accounts.aside(self._accounts.users.set_password, name, password)
                self._note('password-set', name=name)
        else:
            arguments = (str(self._name.value or ''), password, kind == 'admin', scope)
            await self._accounts.aside(self._accounts.users.add, *arguments)
            self._note('user-add', name=arguments[0], admin=kind == 'admin', scope=scope)
        self._dialog.close()
        self._show()

    def _end_sessions(self, name: str) -> None:
        self._require_admin()
        self._note('session-end', name=name, ended=self._accounts.sessions.end_all(name))
        self._show()

    def _confirm_removal(self, name: str) -> None:
        with ui.dialog(value=True) as dialog, ui.card():
            ui.label(f'Remove {name}? All sessions and tokens of {name} end at once.')
            with ui.row():
                button('Remove', partial(self._remove, name, dialog), f'Yes, remove {name}')
                ui.button('Cancel', on_click=dialog.close).props('flat dense no-caps')

    def _remove(self, name: str, dialog: ui.dialog) -> None:
        self._require_admin()
        dialog.close()
        self._accounts.users.remove(name)
        self._note('user-remove', name=name)
        self._show()

    def _require_admin(self) -> None:
        """Ask again: the page may have been open for days."""
        require_admin(self._accounts.sessions.still(self._visit.identity))
