"""The status badge: the truth about the stream, in words."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from nicegui import ui

from dashboard.errors import EngineUnavailable, RequestRefused
from dashboard.model import SECOND
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.logs.viewer import LogViewer
from dashboard.timeline import EngineStatus, Timeline

PACE_LOOKS = 7  # looks at half-second intervals: three seconds
LATE = 2  # seconds that the newest line of a busy stream may be old
BEHIND = 2_000  # rows that have come and are not on the page: more is worth saying


@dataclass(frozen=True, slots=True)
class State:
    """What the badge says; ``kind`` colours its dot: live, busy, down or idle."""

    words: str
    kind: str
    age: str = ''


class Badge(Part):
    """A dot, words, and the age of the last line."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._pace = Pace()
        with (
            ui.element('div').classes('badge').props('role=status aria-label="Connection" data-attempt=1') as self._box
        ):
            ui.element('span').classes('dot')
            self._words = ui.label()
            self._age = ui.label().classes('soft')

    def refresh(self) -> None:
        """Say how the stream is."""
        viewer = self.tab.viewer
        state = state_of(self.tab.hub.status, viewer, self._pace.look(viewer.feed), bool(self.tab.link.service))
        self._box.classes(replace=f'badge {state.kind}')
        self._words.set_text(state.words)
        self._age.set_text(state.age)


class Pace:
    """How many lines a second a service writes, over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=PACE_LOOKS)
        self._feed: Timeline | None = None

    @property
    def rate(self) -> float:
        """Lines a second over the looks so far."""
        if len(self._seen) < 2:
            return 0.0
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now > began else 0.0

    @property
    def arriving(self) -> bool:
        """Whether lines have come since the look before."""
        return len(self._seen) > 1 and self._seen[-1][1] > self._seen[-2][1]

    def look(self, feed: Timeline | None) -> Pace:
        """Note where the timeline ends now."""
        if feed is not self._feed or feed is None or not feed.ready.is_set():
            self._seen.clear()
            self._feed = feed
        if feed and feed.ready.is_set():
            self._seen.append((time.monotonic(), feed.history.end))
        return self


def state_of(engine: EngineStatus, viewer: LogViewer, pace: Pace, chosen: bool) -> State:
    """What is true now, the worst first; ``chosen`` says whether a service is."""
    seconds = _age(viewer)
    last = '' if seconds is None else f'last line {age_words(seconds)}'
    age = ' · '.join(filter(None, (_pace_words(pace.rate), last)))
    if engine.error:
        return State(
            f'{_away_words(engine.error)}, try {engine.attempt}, next in {_seconds(engine.retry_at)}', 'down', age
        )
    if viewer.feed is None:
        waiting = chosen or not engine.reachable
        return State('Not watching' if viewer.error else 'Connecting' if waiting else 'Nothing chosen', 'idle')
    status = viewer.feed.status
    if status.phase == 'reconnecting':
        return State(f'Reconnecting, try {status.attempt}, next in {_seconds(status.retry_at)}', 'down', age)
    if status.phase == 'live' and viewer.feed.service.status == 'paused':
        return State('Container paused', 'idle', age)
    if status.phase == 'live':
        return _live(viewer, seconds if pace.arriving else None, age)
    return State(*_WORDS[status.phase], age)


def _away_words(error: EngineUnavailable) -> str:
    """Why nothing is known of the containers, as shortly as can be: the line above the logs says the rest."""
    if isinstance(error, RequestRefused):
        return f'Refused: {error.request} ({error.status})'
    return 'Engine unreachable'


def _live(viewer: LogViewer, late: int | None, age: str) -> State:
    """The stream is well; is the page?"""
    if not viewer.is_live:
        return State('Range, not live', 'idle', age)
    if not viewer.following:
        new = viewer.new_lines
        return State(f'Paused, {new:,} new {"line" if new == 1 else "lines"}' if new else 'Paused', 'busy', age)
    if viewer.behind > BEHIND:
        return State(f'Catching up, {viewer.behind:,} lines behind', 'busy', age)
    if late and late >= LATE:
        return State(f'Catching up, {late} s behind', 'busy', age)
    return State('Live', 'live', age)


_WORDS = {
    'connecting': ('Connecting', 'busy'),
    'catching up': ('Catching up', 'busy'),
    'stopped': ('Stopped', 'idle'),
    'unreadable': ('Log cannot be read', 'down'),
}


def _seconds(retry_at: float) -> str:
    return f'{max(0, round(retry_at - time.monotonic()))} s'


def _pace_words(pace: float) -> str:
    return f'{pace:,.0f} lines/s' if pace >= 10 else f'{pace:.1f} lines/s' if pace else ''


def _age(viewer: LogViewer) -> int | None:
    """How many seconds ago the last line was written, by the engine's clock and ours."""
    last = viewer.feed.status.last_line if viewer.feed else None
    return None if last is None else max(0, (time.time_ns() - last) // SECOND)


def age_words(seconds: int) -> str:
    """How long ago, in its largest unit."""
    for length, unit in ((86_400, 'd'), (3_600, 'h'), (60, 'min')):
        if seconds >= length:
            return f'{seconds // length} {unit} ago'
    return f'{seconds} s ago'
