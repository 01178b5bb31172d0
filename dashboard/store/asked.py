"""Questions are put to the database in threads of their own, and can be broken off; a file that fails is left out once.

Between the moment when it is decided which parts to ask and the moment when one is, it may have been sealed, merged or
forgotten. Then the question is put anew to what there is now.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from dashboard.errors import StoreUnavailable
from dashboard.store.database import Connection, Database, Interrupted, Problem
from dashboard.store.parts import Part, is_readable

READERS = 3  # threads: each holds a connection
TRIES = 10  # to put a question to parts that do not change meanwhile
FETCHED = 1_000  # rows taken from the database at once
PLACE = re.compile(r"""(?<=["'])/(?:[^/"']*/)*|(?<![^\s(])/(?:[^/\s"']*/)*""")  # where a file is, before its name

Result = TypeVar('Result')


class Moved(Exception):
    """A part is no longer where it was: ask anew."""


class Desk:
    """Puts questions to what there is.

    :param parts: tells what parts there are
    :param oldest: tells the moment before which nothing is found
    :param report: is told of one that cannot be read
    """

    def __init__(
        self,
        database: Database,
        parts: Callable[[], tuple[Part, ...]],
        oldest: Callable[[], int],
        report: Callable[[Part], object],
    ) -> None:
        self.database = database
        self.parts = parts
        self.oldest = oldest
        self.report = report
        self._threads = ThreadPoolExecutor(READERS, 'store-read')

    def close(self) -> None:
        """Answer nothing more, and wait for what is being answered."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def ask(self, question: Callable[[Asking], Result]) -> Result:
        """The answer of a function that is called in a thread; to cancel this breaks off what the database does.

        :raises StoreUnavailable: when there is no answer
        """
        for _ in range(TRIES):
            asking = Asking(self)
            answer = asyncio.get_running_loop().run_in_executor(self._threads, asking.run, question)
            try:
                return await asyncio.shield(answer)
            except Moved:
                continue
            except asyncio.CancelledError:
                asking.stop()
                answer.add_done_callback(_let_go)
                raise
            except Problem as error:
                raise StoreUnavailable(first_line(error)) from error
        raise StoreUnavailable('what is in it changes too fast')


class Asking:
    """One question while it is put."""

    def __init__(self, desk: Desk) -> None:
        self.oldest = desk.oldest()
        self.parts = tuple(part for part in desk.parts() if part.last >= self.oldest)
        self._desk = desk
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._stopped = False

    def run(self, question: Callable[[Asking], Result]) -> Result:
        """Put it, in this thread."""
        connection = self._desk.database.connection()
        with self._lock:
            if self._stopped:
                raise Moved
            self._connection = connection
        try:
            return question(self)
        finally:
            with self._lock:
                self._connection = None

    def stop(self) -> None:
        """Break off what the database does for it; from any thread."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    def of_several(self, parts: Sequence[Part], statement: Callable[[str], str], values: Sequence[Any]) -> bool:
        """Have something done with the rows of several parts; False when none of them can be read.

        :param statement: is given what SQL reads, and makes a statement of it
        :raises Moved: when one is no longer there, or nobody wants it any more
        """
        connection = self._connection
        while parts:
            if connection is None or self._stopped:
                raise Moved
            source = ' UNION ALL BY NAME '.join(f'SELECT * FROM {self.relation(part)}' for part in parts)
            try:
                connection.execute(statement(f'({source})'), values)
            except Interrupted:
                raise
            except Problem:
                lost = [part for part in parts if self._is_lost(connection, part)]
                if not lost:
                    raise
                parts = [part for part in parts if part not in lost]
            else:
                return True
        return False

    def relation(self, part: Part) -> str:
        """A part as SQL reads it, without what is too old."""
        if part.first >= self.oldest:
            return part.relation
        return f'(SELECT * FROM {part.relation} WHERE time >= make_timestamp_ns({self.oldest}))'

    def rows(self, part: Part, select: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        """What a part answers, some rows at a time; nothing when it cannot be read.

        :param select: a statement in which ``{part}`` stands for it
        :raises Moved: when it is no longer there
        """
        connection = self._connection
        if connection is None or self._stopped:
            raise Moved
        try:
            found = connection.execute(select.replace('{part}', self.relation(part)), values)
            while rows := found.fetchmany(FETCHED):
                yield rows
        except Interrupted:
            raise
        except Problem:
            if not self._is_lost(connection, part):
                raise

    def _is_lost(self, connection: Connection, part: Part) -> bool:
        """Whether a part is why something failed: it cannot be read, and that is reported.

        :raises Moved: when it is no longer there
        """
        if self._stopped:
            return False
        if part not in self._desk.parts():
            raise Moved
        if not part.sealed or is_readable(connection, part):
            return False
        self._desk.report(part)
        return True


def _let_go(answer: asyncio.Future[Any]) -> None:
    """Nobody wants it any more, nor to hear why it was none."""
    if not answer.cancelled():
        answer.exception()


def first_line(error: Exception) -> str:
    """What went wrong, as shortly as the database says it, and of files only their names."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return PLACE.sub('', line)[:300]
