"""What the pages about accounts are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from nicegui import ui

from dashboard.errors import DashboardError

_UNITS = (('kB', 10**3), ('MB', 10**6), ('GB', 10**9), ('TB', 10**12))


@contextmanager
def sheet(title: str) -> Iterator[None]:
    """Text and forms below a heading, inside the shell."""
    with ui.element('main').classes('sheet'):
        ui.label(title).props('role=heading aria-level=1').classes('heading')
        yield


def section(title: str, words: str = '') -> ui.element:
    """A heading, what to know, and the element below them, to be filled."""
    ui.label(title).props('role=heading aria-level=2').classes('subheading')
    if words:
        ui.label(words).classes('soft')
    return ui.element('div').classes('rows').props('role=list')


@contextmanager
def row(title: str, words: str) -> Iterator[ui.label]:
    """One thing of a list; its buttons are made inside. Gives the words, which may change."""
    with ui.element('div').classes('row-of').props('role=listitem'):
        with ui.element('div').classes('what'):
            ui.label(title)
            said = ui.label(words).classes('soft')
        yield said


def button(text: str, action: Callable[[], Awaitable[None] | None], label: str = '') -> None:
    """A small button; when its action is refused, the page says why. ``label`` is its name for assistive technology."""
    accessible = label.replace('\\', '').replace('"', "'")
    props = 'flat dense no-caps' + (f' aria-label="{accessible}"' if label else '')
    ui.button(text, on_click=telling(action)).props(props)


def telling(action: Callable[[], Awaitable[None] | None]) -> Callable[[], Awaitable[None]]:
    """The action; when it is refused, the page says why."""

    async def attempt() -> None:
        try:
            result = action()
            if result is not None:
                await result
        except DashboardError as error:
            ui.notify(str(error), type='negative')

    return attempt


def when(seconds: int) -> str:
    """A moment in words."""
    return f'{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC'


def size_in_words(size: int) -> str:
    """``512 bytes``, ``12.4 MB``; of bytes."""
    if size < 1_000:
        return f'{size} bytes' if size != 1 else '1 byte'
    name, unit = next((item for item in _UNITS if size < 1_000 * item[1]), _UNITS[-1])
    return f'{size / unit:.1f} {name}'
