"""Where the reader of a tab was when its connection broke: kept by the browser, for the page that comes after it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from nicegui import Client

from dashboard.model import SHORT_ID, parse_timestamp
from dashboard.pages.logs.answers import answer_of
from dashboard.web import HEADER

MOST = 1_000  # containers that are looked for again
# The rows of the view carry the engine's timestamps, so the view itself tells which lines it shows. One that follows
# may have rows that were never laid out, and then none of them is in sight.
_ON_DISCONNECT = """
const rows = [...document.querySelectorAll('.log time')], view = document.querySelector('.log');
const top = view.follow === false && view.first_seen('.l, .n', 4).row?.querySelector('time') || rows.at(-1);
if (top && !view.seeks) sessionStorage.setItem('place', JSON.stringify({ view: location.search, first: rows[0].title,
  last: rows.at(-1).title, top: top.title, following: view.follow !== false, running: view.dataset.running ?? '' }));
"""
# A connection that comes back in time needs no new page. NiceGUI would load the page anew when a connection takes too
# long, even while the network is away: the browser's own error page, which never comes back, would be all there is.
# Why a socket is refused a script cannot know, so it asks whether the session has ended meanwhile.
_WATCH = f"""
const socket = window.socket, badge = document.querySelector('.badge'), popup = document.getElementById('popup');
new MutationObserver(() => badge.toggleAttribute('data-cut', popup.ariaHidden === 'false'))
  .observe(popup, {{ attributes: true }});
socket.on('disconnect', () => {{ {_ON_DISCONNECT} }});
socket.off('connect_error');
socket.on('connect_error', window.onRefusal);
socket.on('connect_error', e => {{ if (e.message === 'Implicit handshake failed') location.reload(); }});
const ask = () => fetch('api/auth/me', {{ headers: {{ '{HEADER}': window.originKey() }} }})
  .then(a => {{ if (a.status === 401) location.reload(); }}, () => {{}});
socket.io.on('reconnect_attempt', n => {{ badge.dataset.attempt = n; ask(); }});
window.addEventListener('online', () => socket.connect());
"""
_ASK = """
const place = JSON.parse(sessionStorage.getItem('place') ?? 'null');
return place?.view === location.search ? place : null;
"""


@dataclass(frozen=True, slots=True)
class Place:
    """What a view showed: its first and last rows, the one at its top, and whether it followed. In nanoseconds.

    ``running`` has the short ids of the containers that could write then.
    """

    first: int
    last: int
    top: int
    following: bool
    running: frozenset[str] = frozenset()


def watch_connection(client: Client) -> None:
    """Let the browser keep its place when the connection breaks, say so in the badge, and come back by itself."""
    client.run_javascript(_WATCH)


async def place_of(client: Client) -> Place | None:
    """The place that the page before this one has left in the tab, when its connection broke; usually None."""
    try:
        return _read(await answer_of(client, _ASK))
    except TimeoutError:
        return None


def forget_place(client: Client) -> None:
    """The page shows it all again. Not before: a page may break down, or be loaded anew, on the way to that."""
    client.run_javascript("sessionStorage.removeItem('place')")


def _read(answer: Any) -> Place | None:
    """What the browser says, if it makes sense: it may say anything."""
    try:
        first, last, top = (parse_timestamp(answer[name]) for name in ('first', 'last', 'top'))
        return Place(first, last, top, bool(answer['following']), _containers(str(answer.get('running', ''))))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _containers(words: str) -> frozenset[str]:
    return frozenset(re.findall(rf'\b[0-9a-f]{{{SHORT_ID}}}\b', words[: MOST * (SHORT_ID + 1)]))
