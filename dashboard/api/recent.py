"""The last lines as one JSON object: in one piece while it is short, else sent as it is read, with constant memory."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from starlette.responses import Response, StreamingResponse

from dashboard.api.wire import gap_message
from dashboard.errors import DashboardError
from dashboard.model import Gap, LogLine, Row
from dashboard.timeline import LastLines, in_pieces

WHOLE = 1 << 20  # bytes up to which an answer is made before it is sent: until then an error has its own status

Rows = AsyncGenerator[list[Row], None]


class Answer:
    """What is answered.

    :param batches: the lines and gaps
    :param service: its name
    :param timestamps: whether each line begins with the engine's timestamp
    """

    def __init__(self, batches: Rows, service: str, timestamps: bool) -> None:
        self.count = 0  # lines that were written
        self._batches = batches
        self._service = service
        self._timestamps = timestamps
        self._gaps: list[Gap] = []

    async def response(self, note: Callable[[int], None]) -> Response:
        """The answer, of which at most its beginning has been read from the engine.

        :param note: told at the end, however it comes, how many lines were written
        :raises DashboardError: when the lines cannot be read; later than that, the answer's last key is ``error``
        """
        parts, begun, size = self._parts(), list[bytes](), 0
        async for part in parts:
            begun.append(part)
            size += len(part)
            if size > WHOLE:
                return StreamingResponse(self._rest(b''.join(begun), parts, note), media_type='application/json')
        note(self.count)
        return Response(b''.join(begun), media_type='application/json')

    async def _rest(
        self, begun: bytes, parts: AsyncGenerator[bytes, None], note: Callable[[int], None]
    ) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(parts):
                yield begun
                async for part in parts:
                    yield part
        except DashboardError as error:
            yield self._end({'error': str(error)})
        finally:
            note(self.count)

    async def _parts(self) -> AsyncGenerator[bytes, None]:
        yield b'{"logs":['
        async with aclosing(self._batches):
            async for batch in self._batches:
                self._gaps += [row for row in batch if isinstance(row, Gap)]
                async for piece in in_pieces([row for row in batch if isinstance(row, LogLine)]):
                    texts = ','.join(_json(self._text(line)) for line in piece)
                    yield f'{"," if self.count else ""}{texts}'.encode()
                    self.count += len(piece)
        yield self._end({})

    def _text(self, line: LogLine) -> str:
        return f'{line.stamp} {line.text}' if self._timestamps else line.text

    def _end(self, more: dict[str, Any]) -> bytes:
        end: dict[str, Any] = {'service': self._service, 'count': self.count}
        if self._gaps:
            end['gaps'] = [gap_message(gap) for gap in self._gaps]
        return f'],{_json(end | more)[1:]}'.encode()


async def last_of(batches: Rows, tail: int, after: int) -> Rows:
    """The last ``tail`` lines, as far as they can be held; a gap says how many those were that came before them.

    :param after: nanoseconds since the epoch, of the line before the first one
    """
    last = LastLines(tail)
    async with aclosing(batches):
        async for batch in batches:
            if gaps := [row for row in batch if isinstance(row, Gap)]:
                yield list[Row](gaps)
            last.add([row for row in batch if isinstance(row, LogLine)])
    if missed := last.come - len(last.lines):  # who resumes is not left without some in silence
        reason = 'they are too long for one answer' if last.missing else f'only the last {tail:,} were asked for'
        yield [Gap(after, last.lines[0].timestamp, missed, reason)]
    yield list(last.lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'))
