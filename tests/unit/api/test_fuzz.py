"""Nonsense on a WebSocket, to the real server: it lives on, its other clients notice nothing, and nothing piles up."""

from __future__ import annotations

import json
import os
import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dashboard.access.accounts import Accounts
from dashboard.app import create_api
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import BadRequest
from dashboard.lines import parse
from dashboard.lines.moments import parse_moment
from dashboard.model import Cursor
from dashboard.timeline.hub import LogHub
from dashboard.web.edge import Edge
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import CHEAP, configured, serving

LIMIT = 20_000  # bytes of a message
MASK = b'\1\2\3\4'
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope='module')
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    accounts = Accounts(tmp_path_factory.mktemp('fuzz'), hasher=CHEAP)
    accounts.users.add('ann', 'correct horse')
    engine, limits = ScriptedEngine('demo', 'a test'), Settings(max_body=LIMIT)
    container = engine.add('web')
    engine.write_many(container, ['before'])
    app = Edge(create_api(LogHub(engine, limits), accounts), limits)
    config = configured(limits)
    options = {'ws': config.ws, 'ws_max_size': config.ws_max_size, 'ws_per_message_deflate': False}
    with serving(app, lifespan='on', **options) as url:
        path = f'/api/logs/ws/web?token={accounts.issue("ann")}'
        yield SimpleNamespace(engine=engine, container=container, url=url, path=path, port=int(url.rpartition(':')[2]))


@pytest.fixture(scope='module')
def bystander(here):
    """Asserts that another client, connected all the time, still gets what is written now."""
    with connect(here.url.replace('http', 'ws') + here.path, proxy=None) as viewer:
        numbers = iter(range(10**9))

        def notices_nothing() -> None:
            wanted = f'line {next(numbers)}'
            here.engine.write_many(here.container, [wanted])
            while json.loads(viewer.recv(5))['content'] != wanted:
                pass

        notices_nothing()
        yield notices_nothing


def frame(opcode: int, payload: bytes, *, final: bool = True, length: int | None = None, masked: bool = True) -> bytes:
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if final else 0)])
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 1 << 16:
        head += bytes([flag | 126]) + struct.pack('!H', size)
    else:
        head += bytes([flag | 127]) + struct.pack('!Q', size)
    body = bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload)) if masked else payload
    return head + (MASK if masked else b'') + body


def say(here: SimpleNamespace, data: bytes, patience: float = PATIENCE) -> int | None:
    """Open a WebSocket by hand, send bytes and return the code it is closed with; None when it stays open."""
    with socket.create_connection(('127.0.0.1', here.port), timeout=PATIENCE) as raw:
        key = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: '
        raw.sendall(f'GET {here.path}&tail=0 HTTP/1.1\r\nHost: x\r\n{key}dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'.encode())
        answer = b''
        while b'\r\n\r\n' not in answer:
            answer += raw.recv(4_096)
        assert answer.startswith(b'HTTP/1.1 101')
        received = b''
        with suppress(OSError):  # it may have closed while we were sending
            raw.sendall(data)
        raw.settimeout(patience)
        with suppress(OSError):
            while part := raw.recv(1 << 16):
                received += part
            closing = re.search(rb'\x88[\x02-\x7d](..)', received, re.DOTALL)
            return struct.unpack('!H', closing[1])[0] if closing else 1006
    return None


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (frame(1, b'\xff\xfe'), 1007),  # text that is no UTF-8
        (frame(1, b'', length=1 << 62), 1009),
        (frame(2, b'x' * (LIMIT + 1)), 1009),
        (
            frame(1, b'x' * 1_000, final=False) + frame(0, b'x' * 1_000, final=False) * 30,
            1009,
        ),  # one piece after another
        (frame(0, b'a piece of nothing'), 1002),
        (frame(3, b'an opcode of nobody'), 1002),
        (frame(0x41, b'a reserved bit'), 1002),
        (frame(1, b'not masked', masked=False), 1002),
        (frame(9, b'x' * 126), 1002),  # a ping that is too long
        (frame(9, b'', final=False), 1002),  # a ping in pieces
        (frame(8, b'\x00'), 1002),  # half a close code
        (b'GET / HTTP/1.1\r\n\r\n', 1002),
    ],
)
def test_a_broken_frame_ends_its_connection_with_the_code_for_it(here, bystander, data, code):
    assert say(here, data) == code
    bystander()


def test_what_a_client_says_is_not_listened_to(here, bystander):
    fine = frame(1, b'hello') + frame(2, b'\x00\xff') + frame(9, b'ping') + frame(10, b'pong') + frame(1, b'')
    assert say(here, fine * 50, patience=0.2) is None
    bystander()


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_after_the_handshake_harm_nobody_else(here, bystander, data):
    say(here, data, patience=0.01)
    bystander()


def test_a_flood_of_messages_piles_up_nowhere(here, bystander):
    before = resident()
    assert say(here, frame(2, b'x' * LIMIT) * 2_000, patience=0.2) is None  # 40 MB
    bystander()
    assert resident() - before < 20


WORDS = st.text(max_size=30) | st.sampled_from(
    ['0', '-1', '1e9', '9' * 400, '१', '٣', 'null', '1-1-a', '1-1-' + 'f' * 900]
)


@QUICK
@given(tail=WORDS, since=WORDS, batch=WORDS, service=st.text(min_size=1, max_size=20) | st.just('web'))
def test_any_value_in_the_address_is_answered_in_order(here, bystander, tail, since, batch, service):
    query = '&'.join(f'{name}={quote(value, safe="")}' for name, value in
                     {'tail': tail, 'since': since, 'batch': batch}.items())  # fmt: skip
    token = here.path.partition('?')[2]
    address = f'{here.url.replace("http", "ws")}/api/logs/ws/{quote(service, safe="")}?{token}&{query}'
    assert outcome(address) in (None, 403, 404, 1000, 1008)
    bystander()


def outcome(address: str) -> int | None:
    """The HTTP status that refuses a WebSocket, or the code that closes it; None when it stays open."""
    try:
        with connect(address, proxy=None) as opened, suppress(TimeoutError):
            opened.recv(0.01)
    except InvalidStatus as refused:
        return refused.response.status_code
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return None


# -- parsers of what anybody may send


@given(st.text(max_size=60) | WORDS)
def test_a_moment_is_a_number_of_nanoseconds_or_a_refusal(text):
    with suppress(BadRequest):
        assert isinstance(parse_moment(text, 'since'), int)


@given(st.text(max_size=60) | st.from_regex(r'\d{1,30}-\d{1,30}-[0-9a-f]{1,90}', fullmatch=True))
def test_a_cursor_says_itself_again_or_is_a_refusal(text):
    with suppress(BadRequest):
        cursor = Cursor.parse(text)
        assert Cursor.parse(str(cursor)) == cursor


PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.text(max_size=1_100), st.text())
def test_any_filter_and_any_line_are_answered_or_refused(term, text):
    with suppress(BadRequest):
        assert parse(term).matches_text(text) in (True, False)


@given(PLAIN, PLAIN, PLAIN)
def test_a_phrase_finds_itself_in_any_case(before, term, after):
    phrase = term.upper().replace('\\', '\\\\').replace('"', '\\"')
    assert not term or parse(f'"{phrase}"').matches_text(before + term + after)


def resident() -> float:
    """MiB that this process holds."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') / (1 << 20)
