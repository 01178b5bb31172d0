"""From the engine's bytes to log lines: HTTP chunks, multiplexed frames, TTY streams.  No I/O.

The two decoders sit on the hottest path of the product: one container can write 200,000 lines a second, and the engine
sends each in an HTTP chunk of its own, so both work through a whole read at a time and make one object per line.
Formats: RFC 9112 section 7.1 (chunks), and "Stream format" of the Engine API's container attach (frames).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dashboard.model import (
    ENGINE_SPLIT,
    LONGEST_LINE,
    PREFIX,
    STAMP_LENGTH,
    Container,
    LogLine,
    Stream,
    format_timestamp,
)

HEADER = 8  # stream, three zero bytes, length as a big-endian 32-bit number
ENDINGS = (b'\n', b'\r\n')  # all that the last piece of a line of full pieces holds


class ChunkDecoder:
    """Takes the chunk framing off an HTTP body."""

    may_end = False  # whether it may stop without its last chunk: no, then it was cut off

    def __init__(self) -> None:
        self._rest = b''
        self.ended = False  # whether the last chunk came

    def feed(self, data: bytes) -> bytes:
        """Add what was read; return the body bytes of all chunks that are now complete.

        :raises ValueError: when the bytes are not chunks
        """
        buffer = self._rest + data if self._rest else data
        position, parts = 0, []
        while (line_end := buffer.find(b'\r\n', position)) >= 0:
            size = _size(buffer[position:line_end])
            stop = line_end + 2 + size
            if stop + 2 > len(buffer):
                break
            parts.append(buffer[line_end + 2 : stop])
            position = stop + 2
            if not size:
                self.ended = True
                break
        self._rest = buffer[position:]
        return b''.join(parts)


class PlainBody:
    """An HTTP body without chunks, as some proxies make it: so many bytes, or all up to the end of the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.may_end = length is None
        self.ended = length == 0

    def feed(self, data: bytes) -> bytes:
        """Add what was read; return what is of the body."""
        if self._left is None:
            return data
        part = data[: self._left]
        self._left -= len(part)
        self.ended = not self._left
        return part


class FrameDecoder:
    """Cuts the body of a log stream into lines; joins those the engine split.

    :param anywhere: whether the engine splits a line wherever its reading of it ended, as Podman does
    """

    def __init__(self, container: Container, *, tty: bool, anywhere: bool = False) -> None:
        self._container = container
        self._anywhere = anywhere
        self._cut = self._cut_terminal if tty else self._cut_frames
        self._rest = b''
        self._pieces: dict[int, bytearray] = {}  # stream → the first pieces of a split line
        self._stamp = b''  # of the last line
        self._ordinal = 0

    def feed(self, data: bytes) -> list[LogLine]:
        """Add what was read; return the lines that are now complete."""
        return self._cut(self._rest + data if self._rest else data)

    def finish(self) -> list[LogLine]:
        """The stream has ended properly: return lines that never got their ending."""
        pending = [(stream, bytes(pieces)) for stream, pieces in self._pieces.items()]
        if self._cut == self._cut_terminal and self._rest:
            pending.append((Stream.STDOUT, _rejoin(self._rest)))
        self._pieces, self._rest = {}, b''
        return [self._line(stream, record) for stream, record in pending]

    def _cut_frames(self, buffer: bytes) -> list[LogLine]:
        """All whole frames; the common line is made here, for even a call a line costs a tenth of the speed."""
        lines: list[LogLine] = []
        container, position, end, from_bytes = self._container, 0, len(buffer), int.from_bytes
        while (start := position + HEADER) <= end:
            stop = start + from_bytes(buffer[position + 4 : start], 'big')
            if stop > end:
                break
            record = buffer[start:stop]
            stamp = record[:STAMP_LENGTH]
            if stamp == self._stamp or self._pieces or record[-1:] != b'\n' or record[29:31] != b'Z ':
                lines += self._join(buffer[position], record)
            else:
                self._stamp, self._ordinal = stamp, 0
                lines.append(LogLine(container, buffer[position], record))
            position = stop
        self._rest = buffer[position:]
        return lines

    def _join(self, stream: int, record: bytes) -> list[LogLine]:
        """Any frame: a piece of a split line, a line while another's is unfinished, or with an unusual timestamp.

        Docker's engine cuts only full pieces: a shorter one without an ending is the last thing its writer said. What
        is held goes as a line when more of it comes, and not before: all that comes may be its ending.
        """
        lines, held = [], self._pieces.pop(stream, bytearray())
        content = _content(record) if held else record
        if len(held) - PREFIX >= LONGEST_LINE and content not in ENDINGS:
            lines.append(self._line(stream, bytes(held)))
            held, content = bytearray(), record
        held += content
        if record.endswith(b'\n') or (len(record) < PREFIX + ENGINE_SPLIT and not self._anywhere):
            lines.append(self._line(stream, bytes(held)))
        else:
            self._pieces[stream] = held
        return lines

    def _cut_terminal(self, buffer: bytes) -> list[LogLine]:
        *records, self._rest = buffer.split(b'\n')
        lines = [self._line(Stream.STDOUT, _rejoin(record + b'\n')) for record in records]
        # cut where a piece of the engine's ends, so that the rest begins with its own timestamp, and is no mere ending
        piece = PREFIX + ENGINE_SPLIT
        whole = (len(self._rest) - PREFIX - len(b'\r\n')) // piece * piece
        if whole >= LONGEST_LINE:
            lines.append(self._line(Stream.STDOUT, _rejoin(self._rest[:whole])))
            self._rest = self._rest[whole:]
        return lines

    def _line(self, stream: int, record: bytes) -> LogLine:
        if record[STAMP_LENGTH - 1 : PREFIX] != b'Z ':
            record = _restamp(record, self._stamp)
        stamp = record[:STAMP_LENGTH]
        if stamp == self._stamp:
            self._ordinal += 1
        else:
            self._stamp, self._ordinal = stamp, 0
        return LogLine(self._container, stream, record, self._ordinal)


def _size(line: bytes) -> int:
    """Of a chunk, from its first line, which may have extensions after a semicolon."""
    try:
        return int(line, 16)
    except ValueError:
        return int(line.partition(b';')[0], 16)


_PIECE_STAMP = re.compile(rb'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ')


def _rejoin(record: bytes) -> bytes:
    """A terminal's line without the timestamps that the engine put before its second and later pieces."""
    if len(record) <= PREFIX + ENGINE_SPLIT:
        return record
    position = PREFIX + ENGINE_SPLIT
    parts = [record[:position]]
    while position < len(record):
        position += PREFIX if _PIECE_STAMP.match(record, position) else 0
        parts.append(record[position : position + ENGINE_SPLIT])
        position += ENGINE_SPLIT
    return b''.join(parts)


def _content(record: bytes) -> bytes:
    """A piece without its timestamp."""
    return record[PREFIX:] if record[STAMP_LENGTH - 1 : PREFIX] == b'Z ' else record.partition(b' ')[2]


def _restamp(record: bytes, last: bytes) -> bytes:
    """Bring a timestamp of another form (Podman writes a zone offset) to the engine's; unreadable: the last one."""
    stamp, _, content = record.partition(b' ')
    try:
        return _universal(stamp.decode('ascii')) + b' ' + content
    except (ValueError, OverflowError):  # the zone may lead out of the years 1 to 9999
        return (last or format_timestamp(0).encode()) + b' ' + record


def _universal(stamp: str) -> bytes:
    match = re.fullmatch(r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)', stamp)
    if not match:
        raise ValueError(stamp)
    whole, digits, zone = match.groups()
    moment = datetime.fromisoformat(whole + zone.replace('Z', '+00:00')).astimezone(UTC)
    return f'{moment.replace(tzinfo=None).isoformat()}.{(digits or "").ljust(9, "0")}Z'.encode()
