"""Filters that are kept by name: a user's own, and those that administrators keep for everybody."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from dashboard.access.identity import Identity
from dashboard.access.store import AccountStore
from dashboard.errors import BadRequest, NotAllowed

LONGEST_NAME = 60  # characters
LONGEST = 1_000  # characters of a filter
MOST = 100  # of a user, and of everybody
# IS, because nobody in particular owns those for everybody
OVERWRITE = 'UPDATE filters SET filter = ?, level = ? WHERE username IS ? AND name = ?'
ADD = """
INSERT INTO filters (filter, level, username, name)
SELECT ?, ?, ?, ? WHERE (SELECT count(*) FROM filters WHERE username IS ?) < ?
"""
RENAME = 'UPDATE filters SET name = ? WHERE username IS ? AND name = ?'
REMOVE = 'DELETE FROM filters WHERE username IS ? AND name = ?'
OF_USER = """
SELECT name, filter, level, username IS NULL FROM filters
WHERE username = ? OR username IS NULL ORDER BY username IS NULL, name
"""


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """What was in force when it was saved; ``level`` as in the address of the page. Names differ in more than case."""

    name: str
    filter: str
    level: str
    for_all: bool


class SavedFilters:
    """Those of all users. The methods block.

    Who may not do what they ask for gets :class:`NotAllowed`, before anything else is said.
    """

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def of(self, who: Identity) -> list[SavedFilter]:
        """The user's own by name, and behind them those for everybody."""
        with self._store.open() as database:
            rows = database.execute(OF_USER, (who.username,))
            return [SavedFilter(name, filter_, level, bool(shared)) for name, filter_, level, shared in rows]

    def save(self, who: Identity, saved: SavedFilter) -> None:
        """Keep one, in place of that of the same name.

        :raises BadRequest: when it has no name that does, asks nothing, or is one too many
        """
        owner, name = _owner(who, saved.for_all), _checked(saved.name)
        if not (saved.filter or saved.level) or len(saved.filter) > LONGEST:
            raise BadRequest('There is nothing to save: type a filter first, or choose a level.')
        with self._store.open() as database:
            values = (saved.filter, saved.level, owner, name)
            if database.execute(OVERWRITE, values).rowcount:
                return
            if not database.execute(ADD, (*values, owner, MOST)).rowcount:
                raise BadRequest(f'{MOST} filters are saved, which is the limit: remove one first.')

    def rename(self, who: Identity, saved: SavedFilter, name: str) -> None:
        """Give one another name.

        :raises BadRequest: when another one has that name, or the name does not do
        """
        values = (_checked(name), _owner(who, saved.for_all), saved.name)
        try:
            with self._store.open() as database:
                found = database.execute(RENAME, values).rowcount
        except sqlite3.IntegrityError:
            raise BadRequest(f'There is a saved filter {values[0]!r} already: remove it first.') from None
        if not found:
            raise BadRequest(f'There is no saved filter {saved.name!r} any more.')

    def remove(self, who: Identity, saved: SavedFilter) -> None:
        """Keep one no longer."""
        with self._store.open() as database:
            database.execute(REMOVE, (_owner(who, saved.for_all), saved.name))


def _owner(who: Identity, for_all: bool) -> str | None:
    if for_all and not who.is_admin:
        raise NotAllowed
    return None if for_all else who.username


def _checked(name: str) -> str:
    name = ' '.join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadRequest(f'A saved filter needs a name of 1 to {LONGEST_NAME} characters.')
    return name
