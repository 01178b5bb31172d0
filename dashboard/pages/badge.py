"""The status badge: the truth about the stream, in words."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from nicegui import ui

from dashboard.feed import ServiceFeed
from dashboard.hub import EngineStatus
from dashboard.model import SECOND
from dashboard.pages.viewer import LogViewer

PACE_LOOKS = 7  # looks at half-second intervals: three seconds
BEHIND = 2_000  # rows that have come and are not on the page: more is worth saying


@dataclass(frozen=True, slots=True)
class State:
    """What the badge says; ``kind`` colours its dot: live, busy, down or idle."""

    words: str
    kind: str
    age: str = ''


class Badge:
    """A dot, words, and the age of the last line."""

    def __init__(self) -> None:
        with ui.element('div').classes('badge').props('role=status aria-label="Connection"') as self._box:
            ui.element('span').classes('dot')
            self._words = ui.label()
            self._age = ui.label().classes('soft')

    def show(self, state: State) -> None:
        """Say it."""
        self._box.classes(replace=f'badge {state.kind}')
        self._words.set_text(state.words)
        self._age.set_text(state.age)


class Pace:
    """How many lines a second a service writes, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, ServiceFeed, int]] = deque(maxlen=PACE_LOOKS)

    def words(self, viewer: LogViewer) -> str:
        """Note where the timeline ends now; say its pace, or '' when that is not known or nothing comes."""
        feed = viewer.feed
        if feed is None or not feed.ready.is_set() or (self._seen and self._seen[-1][1] is not feed):
            self._seen.clear()
        if feed is None or not feed.ready.is_set():
            return ''
        self._seen.append((time.monotonic(), feed, feed.history.end))
        (began, _, first), (now, _, last) = self._seen[0], self._seen[-1]
        rate = (last - first) / (now - began) if now > began else 0
        return f'{rate:,.0f} lines/s' if rate >= 10 else f'{rate:.1f} lines/s' if rate else ''


def state_of(engine: EngineStatus, viewer: LogViewer) -> State:
    """What is true now, the worst first."""
    age = _age(viewer)
    if engine.error:
        return State(f'Engine unreachable, try {engine.attempt}, next in {_seconds(engine.retry_at)}', 'down', age)
    if viewer.feed is None:
        return State('Connecting' if not engine.reachable else 'Nothing chosen', 'idle')
    status = viewer.feed.status
    if status.phase == 'reconnecting':
        return State(f'Reconnecting, try {status.attempt}, next in {_seconds(status.retry_at)}', 'down', age)
    if status.phase == 'live' and not viewer.following:
        return State('Paused', 'busy', age)
    if status.phase == 'live' and viewer.behind > BEHIND:
        return State(f'Catching up, {viewer.behind:,} lines behind', 'busy', age)
    return State(*_WORDS[status.phase], age)


_WORDS = {
    'connecting': ('Connecting', 'busy'),
    'catching up': ('Catching up', 'busy'),
    'live': ('Live', 'live'),
    'stopped': ('Stopped', 'idle'),
    'unreadable': ('Log cannot be read', 'down'),
}


def _seconds(retry_at: float) -> str:
    return f'{max(0, round(retry_at - time.monotonic()))} s'


def _age(viewer: LogViewer) -> str:
    """How long ago the last line was written, by the engine's clock and ours."""
    last = viewer.feed.status.last_line if viewer.feed else None
    if last is None:
        return ''
    seconds = max(0, (time.time_ns() - last) // SECOND)
    for length, unit in ((86_400, 'd'), (3_600, 'h'), (60, 'min')):
        if seconds >= length:
            return f'last line {seconds // length} {unit} ago'
    return f'last line {seconds} s ago'
