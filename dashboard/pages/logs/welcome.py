"""What a reader sees who has nothing to watch: why that is so, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from nicegui import ui

from dashboard.access import EVERYTHING
from dashboard.errors import RequestRefused
from dashboard.pages.logs.tab import Part, Tab
from dashboard.view import View

# the clipboard of scripts is closed to pages that came over plain HTTP; a selection can be copied everywhere
_COPY = (
    "(e) => {{ getSelection().selectAllChildren(getHtmlElement({})); document.execCommand('copy');"
    " e.currentTarget.querySelector('.block').textContent = 'Copied'; }}"
)
FIRST = "docker run -d --name hello busybox sh -c 'while true; do date; sleep 1; done'"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is so, what to do, and the command for it."""

    title: str
    words: str
    command: str


class Welcome(Part):
    """Stands in place of the lines as long as there is no service."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._said: Advice | None = None
        self._box = ui.element('section').classes('welcome')
        self._box.set_visibility(False)

    def refresh(self) -> None:
        """Say it; a change is rare, and then the words are made anew."""
        advice = advice_for(self.tab.hub)
        if advice != self._said:
            self._said = advice
            self._box.clear()
            if advice:
                with self._box:
                    _show(advice)
            self._box.set_visibility(advice is not None)


def advice_for(hub: View) -> Advice | None:
    """What to tell; None when there is something to watch, or nothing is known yet."""
    if hub.services or hub.gone or not (hub.status.reachable or hub.status.error):
        return None
    if hub.status.error:
        return REFUSED if isinstance(hub.status.error, RequestRefused) else AWAY
    if (visitor := hub.visitor).scope != EVERYTHING:
        command = OUT_OF_SCOPE.command.format(quote(visitor.username))
        return Advice(OUT_OF_SCOPE.title, OUT_OF_SCOPE.words.format(visitor.scope), command)
    if project := hub.settings.compose_project:
        return Advice(NOT_IN_PROJECT.title.format(project), NOT_IN_PROJECT.words, NOT_IN_PROJECT.command)
    return NOTHING


AWAY = Advice(
    'Docker cannot be reached',
    'This page goes on by itself as soon as Docker answers. This tells what is wrong, run where the dashboard runs:',
    'python -m dashboard doctor',
)
REFUSED = Advice(
    'The list of containers is refused',
    'Docker, or a proxy before it, answers and refuses this request. The page goes on by itself as soon as the request '
    'is let pass. This tells what else is wrong, run where the dashboard runs:',
    'python -m dashboard doctor',
)
NOTHING = Advice(
    'No containers yet',
    'Docker answers, and has no container. Start one and its log is here at once, for example:',
    FIRST,
)
NOT_IN_PROJECT = Advice(
    'No containers in the project {}',
    'The dashboard shows this Compose project only, as --compose-project or COMPOSE_PROJECT_NAME says. '
    'These are the projects there are:',
    'docker compose ls --all',
)
OUT_OF_SCOPE = Advice(
    'Nothing to see yet',
    'Your account shows {}, and no such service is there. When it starts, it is here at once. To see others, ask an '
    'administrator to run this, or to change your account on the page Users:',
    "python -m dashboard user scope {} '*/*'",
)


def _show(advice: Advice) -> None:
    ui.label(advice.title).props('role=heading aria-level=2').classes('subheading')
    ui.label(advice.words)
    with ui.element('div').classes('command'):
        with ui.element('code') as code:
            ui.label(advice.command)
        copy = ui.button('Copy', icon='content_copy').props('flat dense no-caps aria-label="Copy the command"')
        copy.on('click', js_handler=_COPY.format(code.id))
