"""Where the reader chooses a service, or several, and with how many of the last lines to begin."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from dashboard.errors import BadRequest, DashboardError
from dashboard.lines import OfService, none_of, parse
from dashboard.model import format_timestamp
from dashboard.pages.logs.choices import Choice, choices
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.link import TAILS
from dashboard.pages.logs.tab import Part, Tab
from dashboard.timeline import Selection

# one line of the list; a heading is an option that cannot be chosen, so that the list may be filtered as it is
_OPTION = """
<q-item v-if="props.opt.heading && !props.opt.words" class="group" role="presentation">{{ props.opt.name }}</q-item>
<q-item v-else v-bind="props.itemProps" :class="{ group: props.opt.heading }">
<span class="dot" :class="props.opt.kind"></span>
<span class="name">{{ props.opt.short }}</span>&#32;<span class="words">{{ props.opt.words }}</span></q-item>
"""
# what stands in the box is mostly the name of the chosen service; only the browser knows whether somebody has typed it
_NOTE_TYPED = 'const box = getElement({}).$el; box.addEventListener("input", () => box.typed = true);'
_FORGET_TYPED = '() => {{ getElement({}).$el.typed = false; }}'
# the list was filtered by what has been typed, and new options come unfiltered
_FILTER_AGAIN = 'const s = getElement({}); if (s?.$el.typed) s.filteredOptions = s.findFilteredOptions();'
_ON_NAME = (
    "(e) => { const name = e.target.closest('b[data-service]'); if (name) emit(name.dataset.service, e.shiftKey); }"
)
LONGEST_NAME = 500  # characters
CSS = '.several { min-width:min(420px,94vw); padding:14px }'


class Selector(Part):
    """Two lists to choose from, and between them the way to several services at once."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._box = ServiceBox(tab)
        Several(tab)
        tab.viewer.view.on('click', self._on_name, js_handler=_ON_NAME)
        tails = {tail: f'Last {tail}' for tail in TAILS}
        ui.select(tails, value=tab.link.tail, on_change=lambda event: tab.choose_tail(event.value)).props(
            'dense outlined options-dense aria-label="Lines to begin with"'
        ).classes('tail')

    def refresh(self) -> None:
        """Offer the services there are, and the chosen one even while it is away."""
        hub, name = self.tab.hub, self.tab.link.service
        clock = Clock(self.tab.told_in)
        gone = {key: clock.tell(format_timestamp(last))[: -len(':00.000')] for key, last in hub.gone.items()}
        offered = choices(hub.services, hub.name_of, name, gone)
        if offered != self._box.offered or self._box.value != (name or None):
            self._box.offer(offered, name)

    def _on_name(self, event: GenericEventArguments) -> None:
        """The name before a line was clicked: only that service, or with Shift all but that; the browser says which."""
        name, without = event.args
        term = OfService(str(name)[:LONGEST_NAME])
        try:
            self.tab.ask(parse(self.tab.link.filter).with_term(none_of(term) if without else term))
        except BadRequest as error:
            ui.notify(str(error), type='negative')


class Several:
    """A menu with a list of which any number can be chosen."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        with ui.button(icon='playlist_add').props('flat dense round aria-label="Watch several together"'):
            ui.tooltip('Watch several together')
            self._menu = ui.menu().props('aria-label="Watch several together"').on('before-show', self._fill)
        with self._menu, ui.element('div').classes('several'):
            self._box = ui.select({}, multiple=True, with_input=True, label='Together', value=[])
            self._box.props('dense outlined options-dense use-chips popup-content-class=services')
            with ui.row():
                ui.button('Show together', on_click=self._show).props('dense no-caps unelevated padding="4px 14px"')
                ui.button('Cancel', on_click=self._menu.close).props('flat dense no-caps')

    def _fill(self) -> None:
        """Offer the services there are, with those that are watched chosen already."""
        hub, chosen = self._tab.hub, self._tab.link.service
        offered = sorted(hub.name_of(service.key) for service in hub.services)
        try:
            target = hub.select(chosen, some=True) if chosen else None
        except DashboardError:
            target = None
        watched = target.of(hub.services) if isinstance(target, Selection) else []
        names = [hub.name_of(service.key) for service in watched] or [name for name in offered if name == chosen]
        self._box.set_options(offered, value=names)

    def _show(self) -> None:
        self._menu.close()
        self._tab.choose(','.join(self._box.value))


class ServiceBox(ui.select):
    """A list of services that is searched by typing: each has a dot, words that say how it is, and its project."""

    def __init__(self, tab: Tab) -> None:
        self.offered: tuple[Choice, ...] = ()
        super().__init__({}, with_input=True, label='Service', on_change=lambda event: tab.choose(event.value))
        self.props('dense outlined options-dense hide-bottom-space popup-content-class=services option-label=name')
        self.classes('service').add_slot('option', _OPTION)
        self.on('popup-hide', js_handler=_FORGET_TYPED.format(self.id))
        self.client.run_javascript(_NOTE_TYPED.format(self.id))

    def offer(self, offered: tuple[Choice, ...], name: str) -> None:
        """Put these into the list; what has been typed goes on filtering them."""
        self.offered = offered
        self.set_options({choice.key: choice.found_by for choice in offered}, value=name or None)
        if self.is_showing_popup:
            self.client.run_javascript(_FILTER_AGAIN.format(self.id))

    def _update_options(self) -> None:
        super()._update_options()
        for option, choice in zip(self._props['options'], self.offered, strict=True):
            option.update(choice.shown)

    def _value_to_model_value(self, value: Any) -> Any:
        model = super()._value_to_model_value(value)
        return model and model | self.offered[model['value']].shown
