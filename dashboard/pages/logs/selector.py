"""Where the reader chooses a service, and with how many of its last lines to begin."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from dashboard.pages.logs.choices import Choice, choices
from dashboard.pages.logs.link import TAILS
from dashboard.pages.logs.tab import Part, Tab

# one line of the list; a heading is an option that cannot be chosen, so that the list may be filtered as it is
_OPTION = """
<q-item v-if="props.opt.heading" class="group" role="presentation">{{ props.opt.name }}</q-item>
<q-item v-else v-bind="props.itemProps"><span class="dot" :class="props.opt.kind"></span>
<span class="name">{{ props.opt.short }}</span>&#32;<span class="words">{{ props.opt.words }}</span></q-item>
"""
# the list was filtered by what has been typed, and new options come unfiltered
_FILTER_AGAIN = (
    'const s = getElement({}), i = s?.$el.querySelector("input[type=search]");'
    'if (i && i.value && i.value !== s.$refs.qRef.modelValue?.name) s.filteredOptions = s.findFilteredOptions();'
)


class Selector(Part):
    """Two lists to choose from."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._box = ServiceBox(tab)
        tails = {tail: f'Last {tail}' for tail in TAILS}
        ui.select(tails, value=tab.link.tail, on_change=lambda event: tab.choose_tail(event.value)).props(
            'dense outlined options-dense aria-label="Lines to begin with"'
        ).classes('tail')

    def refresh(self) -> None:
        """Offer the services there are, and the chosen one even while it is away."""
        hub, name = self.tab.hub, self.tab.link.service
        offered = choices(hub.services, hub.name_of, name)
        if offered != self._box.offered or self._box.value != (name or None):
            self._box.offer(offered, name)


class ServiceBox(ui.select):
    """A list of services that is searched by typing: each has a dot, words that say how it is, and its project."""

    def __init__(self, tab: Tab) -> None:
        self.offered: tuple[Choice, ...] = ()
        super().__init__({}, with_input=True, label='Service', on_change=lambda event: tab.choose(event.value))
        self.props('dense outlined options-dense hide-bottom-space popup-content-class=services option-label=name')
        self.classes('service').add_slot('option', _OPTION)

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
