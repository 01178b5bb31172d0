"""The menu of the signed-in user: switches of the page, the look, what belongs to the account, sign-out."""

from __future__ import annotations

from nicegui import ui

from dashboard.access import Accounts, Audit, Identity
from dashboard.errors import DashboardError
from dashboard.pages.preferences import Preferences
from dashboard.web import path_for

LOOKS = {'auto': 'As the system', 'light': 'Light', 'dark': 'Dark'}


def account_menu(
    accounts: Accounts, audit: Audit, identity: Identity, address: str, preferences: Preferences, dark: ui.dark_mode
) -> ui.element:
    """A button that opens the menu; returns its upper part, for what the page has to switch."""
    dialog = _password_dialog(accounts, audit, identity, address)
    logout = path_for(ui.context.client.request.scope, '/logout')
    button = ui.button(icon='settings').props('flat dense round aria-label="Settings and account"')
    with button, ui.menu(), ui.column().classes('q-pa-md tight'):
        switches = ui.column().classes('tight')
        _look(preferences, dark)
        ui.separator()
        ui.label(f'Signed in as {identity.username}').classes('soft')
        ui.link('Sessions and API tokens', '/account')
        ui.link('API documentation', '/api/docs', new_tab=True)
        ui.button('Change password', on_click=dialog.open).props('flat dense no-caps')
        with ui.element('form').props(f'method=post action="{logout}"'):
            ui.button('Sign out').props('type=submit flat dense no-caps')
    return switches


def _look(preferences: Preferences, dark: ui.dark_mode) -> None:
    def set_look(look: str) -> None:
        dark.set_value({'dark': True, 'light': False}.get(look))
        preferences.save('dark', dark.value)

    value = {True: 'dark', False: 'light', None: 'auto'}[dark.value]
    toggle = ui.toggle(LOOKS, value=value, on_change=lambda event: set_look(event.value))
    toggle.props('dense no-caps flat').classes('text-no-wrap')


def _password_dialog(accounts: Accounts, audit: Audit, identity: Identity, address: str) -> ui.dialog:
    with ui.dialog() as dialog, ui.card().classes('tight'):
        ui.label('Change password').classes('caption')
        current = ui.input('Current password', password=True).props('autocomplete=current-password')
        new = ui.input('New password', password=True).props('autocomplete=new-password')
        problem = ui.label().classes('text-negative').props('role=alert')

        async def change() -> None:
            try:
                with audit.attempt('password-change', identity, address):
                    await accounts.aside(accounts.change_password, identity, current.value, new.value)
            except DashboardError as error:
                problem.set_text(str(error))
            else:
                dialog.close()  # every session has ended: this page is about to go to sign-in, as all others

        with ui.row():
            ui.button('Change it and sign in again', on_click=change).props('no-caps')
            ui.button('Cancel', on_click=dialog.close).props('flat no-caps')
    return dialog
