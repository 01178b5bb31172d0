"""The page ``/logs``: choose a service, watch it live, filter it, download it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import quote, urlencode

from nicegui import Client, background_tasks, ui
from nicegui.events import KeyEventArguments
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import Accounts, Audit, Identity
from dashboard.config import Settings
from dashboard.errors import BadRequest, DashboardError
from dashboard.model import Service, ServiceKey
from dashboard.pages import badge, clients, theme
from dashboard.pages.account_menu import account_menu
from dashboard.pages.clock import zone_of
from dashboard.pages.place import Place, forget_place, place_of, watch_connection
from dashboard.pages.presence import stay
from dashboard.pages.render import CSS
from dashboard.pages.viewer import LogViewer
from dashboard.view import View, Views
from dashboard.web import address_of, path_for

TITLE = 'Docker Log Dashboard'
TAILS = (50, 100, 500, 1000)
DEFAULT_TAIL = 100
CONNECT_TIMEOUT = 60.0  # seconds a browser may take to open its socket after it has fetched the page
REFRESH = 0.5  # seconds between looks at what the numbers and the badge should say
# cleared by the browser: the server's answer would come over what is typed next
_CLEAR = "(e) => { e.target.value = ''; e.target.dispatchEvent(new Event('input', {bubbles: true})); }"
SWITCHES = {'timestamps': 'nostamps', 'wrap': 'nowrap'}  # preference → the class of the log when it is off


def install(views: Views, accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the page."""

    @ui.page('/logs', title=TITLE)
    def logs(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        page = LogsPage(views.of(visit), accounts, settings, audit, visit.identity, address_of(request))
        page.build(request.query_params)
        return None


class LogsPage:
    """One browser tab. It is made for the tab and goes with it."""

    def __init__(
        self, hub: View, accounts: Accounts, settings: Settings, audit: Audit, identity: Identity, address: str
    ) -> None:
        self._hub = hub
        self._accounts = accounts
        self._settings = settings
        self._audit = audit
        self._identity = identity
        self._address = address
        self._watched = ''  # the service that the audit log says is being watched
        self._watching = ExitStack()
        kept = accounts.users.preferences(identity.username)
        self._preferences = {'timestamps': True, 'utc': False, 'wrap': True, **kept}
        self._name = ''  # of the chosen service, as in the URL
        self._key: ServiceKey | None = None  # of the chosen service, once it has been found
        self._tail = DEFAULT_TAIL
        self._term = ''
        # where the reader was before the connection broke, until all that is shown again
        self._place: Place | None = None
        self._connected = False  # since the browser has last shown anything
        self._zone: tzinfo = UTC  # the reader's

    def build(self, query: Mapping[str, str]) -> None:
        """Make the page from the URL's parameters ``service``, ``tail`` and ``filter``."""
        self._name, self._term = query.get('service', ''), query.get('filter', '')[:1_000]
        tail = query.get('tail', '')
        self._tail = int(tail) if tail.isascii() and tail.isdigit() and int(tail) in TAILS else DEFAULT_TAIL
        theme.apply()
        ui.add_css(CSS)
        self._dark = ui.dark_mode(theme.look_of(self._preferences.get('dark')))
        if self._settings.demo:
            ui.label('Demo: these services and their logs are made up.').classes('banner demo')
        self._build_bar()
        self._build_filter_bar()
        self._banner = ui.label().classes('banner error').props('role=alert')
        self._build_stage()
        self._build_foot()
        self._use_filter(self._term)
        ui.keyboard(self._on_key)
        self._start()

    def _build_bar(self) -> None:
        with ui.element('header').classes('bar'):
            ui.label('Docker Log Dashboard').classes('title')
            self._selector = (
                ui.select({}, with_input=True, label='Service', on_change=lambda event: self._choose(event.value))
                .props('dense outlined options-dense hide-bottom-space popup-content-class=services')
                .classes('service')
            )
            tails = {tail: f'Last {tail}' for tail in TAILS}
            ui.select(tails, value=self._tail, on_change=lambda event: self._choose_tail(event.value)).props(
                'dense outlined options-dense aria-label="Lines to begin with"'
            ).classes('tail')
            self._badge, self._pace = badge.Badge(), badge.Pace()
            ui.space()
            with ui.element('div').classes('actions'):
                self._build_actions()

    def _build_actions(self) -> None:
        ui.button('Clear', icon='clear_all', on_click=self._clear).props('flat dense no-caps aria-label=Clear')
        download = ui.dropdown_button('Download', icon='download', split=True, auto_close=True, on_click=self._download)
        with download.props('flat dense no-caps aria-label=Download'):
            ui.item('What is shown', on_click=self._download)
            ui.item('Everything held here', on_click=lambda: self._download(filtered=False))
            ui.item('The whole log', on_click=lambda: self._download(whole=True))
            ui.item('The whole log as JSON lines', on_click=lambda: self._download(whole=True, form='jsonl'))
        account_menu(self._accounts, self._audit, self._identity, self._address, self._build_switches)

    def _build_switches(self) -> None:
        for name, label in {'timestamps': 'Timestamps', 'utc': 'Times in UTC', 'wrap': 'Wrap long lines'}.items():
            ui.switch(
                label,
                value=bool(self._preferences[name]),
                on_change=lambda event, name=name: self._set(name, event.value),
            ).props('dense')
        looks = {'auto': 'As the system', 'light': 'Light', 'dark': 'Dark'}
        value = {True: 'dark', False: 'light', None: 'auto'}[self._dark.value]
        toggle = ui.toggle(looks, value=value, on_change=lambda event: self._set_look(event.value))
        toggle.props('dense no-caps flat').classes('whitespace-nowrap')

    def _build_filter_bar(self) -> None:
        with ui.element('div').classes('bar').props('role=search'):
            self._filter = ui.input(
                placeholder='Filter logs...', value=self._term, on_change=lambda event: self._set_filter(event.value)
            )
            self._filter.props('dense outlined clearable debounce=150 aria-label="Filter logs" maxlength=1000')
            self._filter.without_auto_validation()  # which would take back what is said of a bad expression
            self._filter.classes('filter').on('keydown.escape', js_handler=_CLEAR)
            self._matches = ui.label().classes('soft').props('role=status')
            self._auto = ui.switch('Auto-scroll', value=True, on_change=lambda event: self._set_follow(event.value))
            self._auto.classes('auto').props('aria-label=Auto-scroll')

    def _build_stage(self) -> None:
        with ui.element('main').classes('stage'):
            self._viewer = LogViewer(self._hub, self._settings.page_lines, self._on_shown)
            self._apply_preferences()
            self._empty = ui.label().classes('empty')
            self._newer = ui.button(on_click=lambda: self._auto.set_value(True)).classes('newer')
            self._newer.props('rounded dense no-caps padding="4px 14px"')

    def _build_foot(self) -> None:
        with ui.element('footer').classes('foot soft'):
            self._count = ui.label()

    def _start(self) -> None:
        client = ui.context.client
        watching = background_tasks.create(self._watch_services(client), name='page: services')
        client.on_delete(watching.cancel)
        client.on_delete(self._viewer.close)
        watch_connection(client)
        client.on_connect(self._on_connect)
        client.on_delete(self._watching.close)
        ui.timer(REFRESH, self._refresh)

    # what the user does

    def _choose(self, name: str | None) -> None:
        if name and name != self._name:
            self._name, self._key, self._place = name, None, None
            self._watch()

    def _choose_tail(self, tail: int) -> None:
        self._tail, self._place = tail, None
        self._watch()

    def _set_filter(self, term: str | None) -> None:
        self._use_filter(term or '')
        self._remember_in_url()

    def _use_filter(self, term: str) -> None:
        """Filter by a term; one that does not do is told at its box, and what was in force stays so."""
        try:
            self._viewer.filter(term)
        except BadRequest as error:
            self._filter.error = f'{error} The filter before it stays in force.' if self._viewer.term else str(error)
            self._term = self._viewer.term
        else:
            self._filter.error = None
            self._term = term

    def _set_follow(self, on: bool) -> None:
        if on != self._viewer.following:
            self._viewer.follow(on)

    def _clear(self) -> None:
        self._viewer.clear()
        self._refresh()

    def _set(self, name: str, on: bool) -> None:
        self._save(name, on)
        self._apply_preferences()

    def _apply_preferences(self) -> None:
        for name, off in SWITCHES.items():
            self._viewer.view.classes(**{'remove' if self._preferences[name] else 'add': off})
        self._viewer.tell_time_in(UTC if self._preferences['utc'] else self._zone)

    def _set_look(self, look: str) -> None:
        self._dark.set_value({'dark': True, 'light': False}.get(look))
        self._save('dark', self._dark.value)

    def _save(self, name: str, value: object) -> None:
        self._preferences[name] = value
        self._accounts.users.save_preferences(self._identity.username, self._preferences)

    def _download(self, *, filtered: bool = True, whole: bool = False, form: str = 'text') -> None:
        query: dict[str, Any] = {'format': form, 'timestamps': str(self._preferences['timestamps']).lower()}
        if not whole:
            query['held'] = self._viewer.first_row
        if filtered and not whole and self._term:
            query['filter'] = self._term
        if self._name:
            ui.download.from_url(f'/api/logs/{quote(self._name, safe="")}/download?{urlencode(query)}')

    def _on_key(self, event: KeyEventArguments) -> None:
        if event.action.keydown and event.key == '/' and not event.modifiers.ctrl:
            self._filter.run_method('focus')

    # what happens

    def _on_connect(self) -> None:
        self._connected = True

    def _on_shown(self) -> None:
        self._place = None
        if self._connected:
            self._connected = False
            forget_place(self._viewer.view.client)

    async def _watch_services(self, client: Client) -> None:
        await client.connected(CONNECT_TIMEOUT)
        self._place, self._zone = await asyncio.gather(place_of(client), zone_of(client))
        self._apply_preferences()
        async with self._hub.changes() as changes:
            async for _ in changes:
                with client:
                    self._list_services()

    def _list_services(self) -> None:
        """Offer the services there are; the chosen one stays, even while it is away."""
        services = self._hub.services
        several = len({service.key.project for service in services if service.key.project}) > 1
        options = {self._hub.name_of(service.key): _label(service, several) for service in services}
        if self._key and (name := self._hub.name_of(self._key)) != self._name:
            self._name = name  # a namesake has come or gone
            self._remember_in_url()
        if not self._name and options:
            self._name = next(iter(options))
        if self._name:
            options.setdefault(self._name, f'{self._name} (not found)')
        if options != self._selector.options or self._selector.value != (self._name or None):
            self._selector.set_options(options, value=self._name or None)
        if self._viewer.idle:
            self._watch()

    def _watch(self) -> None:
        """Follow the chosen service from its tail on."""
        self._remember_in_url()
        ui.page_title(f'{self._name} · {TITLE}' if self._name else TITLE)
        try:
            key = self._hub.find(self._name).key if self._name else None
        except DashboardError as error:
            self._viewer.close()
            self._viewer.error = str(error)
            self._note('')
            return
        self._key = key
        if key:
            self._viewer.watch(key, self._tail, self._place)
            self._note(key.qualified)

    def _note(self, service: str) -> None:
        """Let the audit log know what is being watched; '' for nothing."""
        if service != self._watched:
            self._watching.close()
            self._watched = service
            if service:
                self._watching.enter_context(self._audit.watching(self._identity, self._address, service, via='page'))

    def _remember_in_url(self) -> None:
        query = {'service': self._name, 'tail': self._tail, 'filter': self._term}
        address = path_for(ui.context.client.request.scope, '/logs')
        ui.navigate.history.replace(f'{address}?{urlencode({name: value for name, value in query.items() if value})}')

    def _refresh(self) -> None:
        """Say what is so; an element is only sent when its words have changed."""
        viewer, status = self._viewer, self._hub.status
        self._badge.show(badge.state_of(status, viewer, self._pace.look(viewer.feed), bool(self._name)))
        self._auto.set_value(viewer.following)
        lines = viewer.lines
        self._count.set_text(f'{lines:,} lines' if lines != 1 else '1 line')
        matches = f'{viewer.matches:,} matches' if viewer.matches != 1 else '1 match'
        self._matches.set_text(matches if self._term else '')
        new = viewer.new_lines + (0 if viewer.following else viewer.behind)
        self._newer.set_text(f'{new:,} new lines ↓' if new != 1 else '1 new line ↓')
        self._newer.set_visibility(not viewer.following)
        problem = self._problem()
        self._banner.set_text(problem)
        self._banner.set_visibility(bool(problem))
        self._empty.set_text(self._nothing() if not viewer.view.rows else '')

    def _problem(self) -> str:
        feed = self._viewer.feed
        if self._hub.status.error:
            return str(self._hub.status.error)
        if feed and feed.status.phase == 'unreadable':
            return feed.status.error
        return self._viewer.error

    def _nothing(self) -> str:
        if self._viewer.error:
            return ''  # the banner says it
        if self._term and (lines := self._viewer.lines):
            return f'None of the {lines:,} lines held here contains the filter. The whole log is in the download.'
        if self._viewer.cleared:
            return 'No logs available since you cleared them. To have them back, choose how many last lines to see.'
        return 'No logs available' if self._viewer.feed or self._hub.status.reachable else 'Waiting for the engine …'


def _label(service: Service, several: bool) -> str:
    """What the selector calls a service; with its project where there are several."""
    name = f'{service.key.name} · {service.key.project}' if several and service.key.project else service.key.name
    return name if service.status == 'running' else f'{name} ({service.status})'
