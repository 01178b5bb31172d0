"""From the engine's bytes to lines, however the bytes are cut into reads."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.engine.frames import ENGINE_SPLIT, LONGEST_LINE, ChunkDecoder, FrameDecoder
from dashboard.model import Container, ServiceKey, format_timestamp

WEB = Container('c' * 64, 'web', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
NOON = 1_767_355_200 * 10**9
contents = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40).map(lambda b: b.replace(b'\n', b' '))))


def stamp(number: int) -> bytes:
    return format_timestamp(NOON + number).encode() + b' '


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, 'big') + payload


def as_engine(content: bytes, number: int, ending: bytes = b'\n') -> list[bytes]:
    """A line as the engine sends it: cut into pieces of 16 KiB, each with the same timestamp."""
    pieces = [content[start : start + ENGINE_SPLIT] for start in range(0, len(content), ENGINE_SPLIT)] or [b'']
    if len(pieces[-1]) == ENGINE_SPLIT:
        pieces.append(b'')
    return [stamp(number) + piece for piece in pieces[:-1]] + [stamp(number) + pieces[-1] + ending]


def chunked(*bodies: bytes) -> bytes:
    return b''.join(b'%x\r\n%s\r\n' % (len(body), body) for body in bodies) + b'0\r\n\r\n'


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


def decode(decoder: FrameDecoder, reads: list[bytes]) -> list[tuple[int, bytes]]:
    lines = [line for read in reads for line in decoder.feed(read)] + decoder.finish()
    return [(line.stream, line.content) for line in lines]


@given(contents, st.lists(st.integers(0, 5_000)))
def test_frames_are_the_same_lines_however_they_are_cut(lines, places):
    body = b''.join(frame(stream, stamp(n) + content + b'\n') for n, (stream, content) in enumerate(lines))
    expected = [(stream, content.rstrip(b'\r\n')) for stream, content in lines]
    assert decode(FrameDecoder(WEB, tty=False), cut(body, places)) == expected


@given(contents, st.lists(st.integers(0, 5_000)))
def test_a_terminal_is_the_same_lines_however_it_is_cut(lines, places):
    body = b''.join(stamp(n) + content + b'\r\n' for n, (_, content) in enumerate(lines))
    expected = [(1, content.rstrip(b'\r\n')) for _, content in lines]
    assert decode(FrameDecoder(WEB, tty=True), cut(body, places)) == expected


@given(st.lists(st.binary(min_size=1, max_size=50)), st.lists(st.integers(0, 5_000)))
def test_chunks_are_the_same_body_however_they_are_cut(bodies, places):
    decoder = ChunkDecoder()
    assert b''.join(map(decoder.feed, cut(chunked(*bodies), places))) == b''.join(bodies)
    assert decoder.ended


def test_a_body_that_stops_early_has_not_ended():
    decoder = ChunkDecoder()
    assert decoder.feed(b'3\r\nabc\r\n5\r\nab') == b'abc'
    assert not decoder.ended


def test_a_chunk_may_have_extensions():
    assert ChunkDecoder().feed(b'3;why=not\r\nabc\r\n') == b'abc'


@pytest.mark.parametrize('tty', [False, True])
@pytest.mark.parametrize('size', [ENGINE_SPLIT - 1, ENGINE_SPLIT, ENGINE_SPLIT + 1, 3 * ENGINE_SPLIT, 40_000])
def test_lines_that_the_engine_split_are_joined(tty, size):
    content = bytes(65 + n % 26 for n in range(size))
    payloads = as_engine(content, 1, b'\r\n' if tty else b'\n') + as_engine(b'next', 2, b'\r\n' if tty else b'\n')
    body = b''.join(payloads if tty else [frame(1, payload) for payload in payloads])
    assert decode(FrameDecoder(WEB, tty=tty), [body]) == [(1, content), (1, b'next')]


@pytest.mark.parametrize('tty', [False, True])
@pytest.mark.parametrize('ending', [b'\n', b'\r\n'])
@pytest.mark.parametrize('at_once', [False, True])
@pytest.mark.parametrize('size', [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 2 * LONGEST_LINE])
def test_a_line_as_long_as_is_held_at_most_gives_no_empty_line_after_it(tty, ending, at_once, size):
    payloads = as_engine(b'x' * size, 1, ending) + as_engine(b'', 2, ending) + as_engine(b'next', 3, ending)
    reads = payloads if tty else [frame(1, payload) for payload in payloads]
    lines = decode(FrameDecoder(WEB, tty=tty), [b''.join(reads)] if at_once else reads)
    assert [content for _, content in lines[-2:]] == [b'', b'next'], 'an empty line that was written stays'
    assert all(content for _, content in lines[:-2])
    assert b''.join(content for _, content in lines[:-2]) == b'x' * size


def test_split_lines_of_both_streams_do_not_mix():
    out, err = as_engine(b'o' * 20_000, 1), as_engine(b'e' * 20_000, 2)
    body = frame(1, out[0]) + frame(2, err[0]) + frame(2, err[1]) + frame(1, out[1])
    assert decode(FrameDecoder(WEB, tty=False), [body]) == [(2, b'e' * 20_000), (1, b'o' * 20_000)]


def test_what_a_container_said_last_without_an_ending_is_a_line_of_its_own():
    body = frame(1, stamp(1) + b'bye') + frame(1, stamp(2) + b'hello again\n')
    assert decode(FrameDecoder(WEB, tty=False), [body]) == [(1, b'bye'), (1, b'hello again')]


def test_a_line_without_end_is_held_only_up_to_a_limit():
    decoder = FrameDecoder(WEB, tty=False)
    piece = frame(1, stamp(1) + b'x' * ENGINE_SPLIT)
    lines = [line for _ in range(200) for line in decoder.feed(piece)]
    assert lines
    assert max(len(line.content) for line in lines) <= LONGEST_LINE
    assert sum(len(line.content) for line in lines + decoder.finish()) == 200 * ENGINE_SPLIT


def test_lines_of_one_timestamp_are_numbered():
    body = b''.join(frame(1, stamp(number) + b'x\n') for number in (1, 1, 1, 2, 3, 3))
    assert [line.ordinal for line in FrameDecoder(WEB, tty=False).feed(body)] == [0, 1, 2, 0, 0, 1]


def test_timestamps_with_a_zone_or_fewer_digits_are_brought_to_one_form():
    body = frame(1, b'2026-01-02T12:00:00.5+02:00 podman\n') + frame(1, b'2026-01-02T10:00:01Z short\n')
    lines = FrameDecoder(WEB, tty=False).feed(body)
    assert [line.stamp for line in lines] == ['2026-01-02T10:00:00.500000000Z', '2026-01-02T10:00:01.000000000Z']
    assert [line.text for line in lines] == ['podman', 'short']


def test_lines_that_an_engine_splits_anywhere_are_joined_up_to_their_ending():
    parts = [b'10:00:01Z to', b'10:00:01Z get', b'10:00:02Z her\n', b'10:00:02Z next\n', b'10:00:03.5+00:00 last words']
    decoder = FrameDecoder(WEB, tty=False, anywhere=True)
    lines = decoder.feed(b''.join(frame(1, b'2026-01-02T' + part) for part in parts))
    assert [line.text for line in lines] == ['together', 'next']
    assert lines[0].stamp == '2026-01-02T10:00:01.000000000Z'
    assert [line.text for line in decoder.finish()] == ['last words']


def test_of_a_line_that_is_split_anywhere_no_more_is_held_than_of_others():
    decoder = FrameDecoder(WEB, tty=False, anywhere=True)
    piece = frame(1, b'2026-01-02T10:00:01Z ' + b'x' * 8_000)
    lines = [line for _ in range(300) for line in decoder.feed(piece)]
    assert LONGEST_LINE <= max(len(line.content) for line in lines) < LONGEST_LINE + 8_000
    assert sum(len(line.content) for line in lines + decoder.finish()) == 300 * 8_000


def test_timestamps_with_a_zone_are_read_in_the_first_and_last_year_too():
    body = frame(1, b'0001-01-01T00:00:00+00:00 first\n') + frame(1, b'0001-01-01T00:00:00+01:00 before all\n')
    first, before = FrameDecoder(WEB, tty=False).feed(body)
    assert (first.stamp, first.text) == ('0001-01-01T00:00:00.000000000Z', 'first')
    assert before.text.endswith('before all')


def test_bytes_that_are_not_utf8_become_replacement_characters_and_stay_whole_in_the_record():
    line = FrameDecoder(WEB, tty=False).feed(frame(1, stamp(1) + b'a\xffb\n'))[0]
    assert line.text == 'a\ufffdb'
    assert line.content == b'a\xffb'


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_nonsense_does_not_break_the_decoder(data):
    for tty in (False, True):
        decoder = FrameDecoder(WEB, tty=tty)
        decoder.feed(data)
        decoder.finish()
