"""Downloads that a page has begun: how much of each was sent, how it ended, and a way to break it off.

The browser fetches the file by itself, by a plain link, and tells the page nothing of it. So the link names a transfer,
and the route that serves the file counts there.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any
from weakref import WeakValueDictionary

from dashboard.errors import BrokenOff, DashboardError

LEFT = 'The browser has broken it off.'


class Transfer:
    """One download. It lives as long as its page, or whoever serves it, has it.

    :param owner: the user whose it is
    """

    def __init__(self, owner: str) -> None:
        self.name = secrets.token_urlsafe(12)
        self.owner = owner
        self.bytes = 0  # that were sent so far
        self.asked = False  # whether the browser has come for it
        self.ended = False
        self.error = ''  # in words, why it has not been sent whole
        self._cancelled = asyncio.Event()

    def cancel(self) -> None:
        """Send no more of it: the browser is told that it is not whole."""
        self._cancelled.set()

    async def counted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The chunks, until it is cancelled.

        :raises BrokenOff: when it is
        """
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            async with aclosing(chunks):
                while (chunk := await _next(chunks, cancelled)) is not None:
                    self.bytes += len(chunk)
                    yield chunk
        except DashboardError as error:
            self.error = str(error)
            raise
        except BaseException:
            self.error = LEFT
            raise
        finally:
            self.ended = True
            cancelled.cancel()


class Uncounted:
    """A download that no page waits for."""

    def counted(self, chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The chunks."""
        return chunks


class Transfers:
    """Those that there are. Used from the event loop only."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[str, Transfer] = WeakValueDictionary()

    def begin(self, owner: str) -> Transfer:
        """A new one, for a user; whoever begins it keeps it."""
        transfer = Transfer(owner)
        self._known[transfer.name] = transfer
        return transfer

    @contextmanager
    def asked(self, name: str, owner: str) -> Iterator[Transfer | Uncounted]:
        """The browser has come for a transfer of that name, once; what is wrong with its request is noted there."""
        transfer = self._known.get(name)
        if transfer is None or transfer.owner != owner or transfer.asked:
            yield Uncounted()
            return
        transfer.asked = True
        try:
            yield transfer
        except DashboardError as error:
            transfer.error, transfer.ended = str(error), True
            raise


async def _next(chunks: AsyncGenerator[bytes, None], cancelled: asyncio.Future[Any]) -> bytes | None:
    """The next chunk, for which long logs may have to be read first; None at the end.

    :raises BrokenOff: when it is cancelled meanwhile
    """
    coming = asyncio.ensure_future(anext(chunks, None))
    try:
        await asyncio.wait((coming, cancelled), return_when=asyncio.FIRST_COMPLETED)
        if cancelled.done():
            raise BrokenOff
        return coming.result()
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
