"""What is redacted does not depend on the first line that is asked for, nor on where a line was cut."""

from __future__ import annotations

import base64
import random
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.model import ENGINE_SPLIT, LONGEST_LINE, PREFIX, SECOND, Container, Cursor, LogLine, ServiceKey
from dashboard.store import Store, Wanted
from dashboard.timeline import LOOK_BACK, LOOK_BACK_TIME
from dashboard.timeline import reaching as reaching_module
from dashboard.timeline import reads as reads_module
from dashboard.timeline.history import History
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import Marks
from dashboard.view.lens import RedactingLens, Redactor
from dashboard.view.scan import OVERLAP, Scan
from dashboard.view.secrets import Rules
from dashboard.view.view import View

START = 1_767_323_045 * SECOND
BOB = Identity('bob', False, EVERYTHING, '', 'session', 1 << 40)
WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
RULES = Rules()
DRESSES = [
    '{}',
    'app-1  | {}',
    '2026-01-02 03:04:05 INFO {}',
    '{{"msg":"{}"}}',
    '  "{}",',
    "'{}\\n' +",
    '\x1b[32m{}\x1b[0m',
]
ORDINARY = ['GET /index.html 200', 'done', '{"level":"info","msg":"ok"}', '', 'key loaded', 'ab12']


def key_lines(chance: random.Random, dress: str) -> list[str]:
    """The lines of a private key, whole or without its end, as a program may write them."""
    text = base64.b64encode(chance.randbytes(chance.choice([118, 300, 610]))).decode()
    width = chance.choice([64, 70, 76])
    body = [text[start : start + width] for start in range(0, len(text), width)]
    headers = chance.choice([[], ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-128-CBC,00', '']])
    end = ['-----END RSA PRIVATE KEY-----'] if chance.random() < 0.8 else []
    return [dress.format(part) for part in ('-----BEGIN RSA PRIVATE KEY-----', *headers, *body, *end)]


def random_log(chance: random.Random) -> list[tuple[int, str, int]]:
    """Moments, texts and streams: keys and ordinary lines, of one stream between those of the other."""
    streams: list[list[str]] = [[], []]
    for lines in streams:
        for _ in range(chance.randrange(1, 4)):
            lines.extend(chance.choices(ORDINARY, k=chance.choice([0, 3, 30])))
            lines.extend(key_lines(chance, chance.choice(DRESSES)))
    moment, log = START, []
    while any(streams):
        moment += chance.choice([1_000, 1_000_000, SECOND // 4, SECOND])
        number = chance.choice([number for number in (0, 1) if streams[number]])
        log.append((moment, streams[number].pop(0), number + 1))
    return log


def starts(chance: random.Random, length: int) -> list[int]:
    return sorted(chance.sample(range(length), min(length, 12)))


def seen(rows: list) -> list[tuple[int, str]]:
    return [(row.timestamp, row.text) for row in rows if isinstance(row, LogLine)]


async def collect(batches) -> list:
    async with aclosing(batches):
        return [row async for batch in batches for row in batch]


@pytest.fixture
def views():
    """Makes a hub with a service, and the view of somebody for whom its lines are redacted."""

    async def make(*logs: list[tuple[int, str, int]]):
        engine = ScriptedEngine()
        containers = [engine.add('web') for _ in logs]
        for container, log in zip(containers, logs, strict=True):
            for moment, text, stream in log:
                engine.write(container, text, stream, moment)
        return engine, containers

    return make


@pytest.mark.parametrize('seed', range(4))
async def test_rows_from_any_start_are_those_of_the_whole_log(views, seed):
    chance = random.Random(seed)
    engine, (container,) = await views(log := random_log(chance))
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        whole = seen(await collect(view.read(service)))
        assert len(whole) == len(log)
        assert '[redacted: private key]' in str(whole)
        for start in starts(chance, len(log)):
            moment = log[start][0]
            cursor = Cursor(container.short_id, log[start - 1][0]) if start else None
            assert seen(await collect(view.read(service, tail=len(log) - start))) == whole[start:]
            assert seen(await collect(view.read(service, since=moment))) == whole[start:]
            assert seen(await collect(view.read(service, tail=3, since=moment))) == whole[start:][-3:]
            until = seen(await collect(view.read(service, until=moment)))
            assert seen(await collect(view.read(service, tail=3, until=moment))) == until[-3:]
            if cursor:
                assert seen(await collect(view.read_after(service, Marks({cursor.container: cursor})))) == whole[start:]


@pytest.mark.parametrize('seed', range(3))
async def test_the_same_is_so_where_several_containers_write_at_once(views, seed):
    chance = random.Random(seed)
    logs = [random_log(chance), random_log(chance)]
    engine, _ = await views(*logs)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        whole = seen(await collect(view.read(service)))
        for start in starts(chance, len(whole)):
            assert seen(await collect(view.read(service, tail=len(whole) - start))) == whole[start:]
            from_moment = [row for row in whole if row[0] >= whole[start][0]]
            assert sorted(seen(await collect(view.read(service, since=whole[start][0])))) == sorted(from_moment)


async def test_a_tail_that_is_too_long_to_be_held_looks_back_as_well(views, monkeypatch):
    monkeypatch.setattr(reads_module, 'COUNTED', 1)
    engine, _ = await views(log := random_log(random.Random(1)))
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        whole = seen(await collect(view.read(service)))
        for start in starts(random.Random(1), len(log) - 1):
            assert seen(await collect(view.read(service, tail=len(log) - start))) == whole[start:]


async def test_a_log_longer_than_the_look_back_is_the_same_from_everywhere(views):
    """A key just before the start, with so many lines of the other stream inside that it is left."""
    key = [(text, 1) for text in key_lines(random.Random(5), 'app-1  | {}')[:12]]
    noise = [('noise', 2)] * (LOOK_BACK - 3)
    lines = [('first', 1)] * 500 + key[:3] + noise + key[3:] + [('last', 1)] * 5
    log = [(START + number * 1_000, text, stream) for number, (text, stream) in enumerate(lines)]
    engine, _ = await views(log)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        whole = seen(await collect(view.read(service)))
        for start in range(480, len(log), 41):
            assert seen(await collect(view.read(service, tail=len(log) - start))) == whole[start:]
            assert seen(await collect(view.read(service, since=log[start][0]))) == whole[start:]


async def test_lines_around_a_moment_are_those_of_the_whole_log(views, monkeypatch):
    monkeypatch.setattr(reaching_module, 'MARGIN', LOOK_BACK + 20)
    key = [(text, 1) for text in key_lines(random.Random(5), '{}')[:12]]
    lines = ([('ordinary', 1)] * 60 + key) * 30
    log = [(START + number * SECOND // 100, text, stream) for number, (text, stream) in enumerate(lines)]
    engine, _ = await views(log)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        whole = seen(await collect(view.read(service)))
        begun = set()
        for start in range(0, len(log), 53):
            found = seen(await collect(view.around(service, log[start][0], 5)))
            assert found == whole[-len(found) :]
            assert found[0][0] <= log[start][0]
            begun.add(found[0])
        assert len(begun) > 20, 'from within keys too'


async def test_who_may_see_everything_pays_nothing_for_it(views, monkeypatch):
    engine, _ = await views(random_log(random.Random(1)))
    asked = []
    real = ScriptedEngine.logs
    monkeypatch.setattr(
        ScriptedEngine, 'logs', lambda self, container, **what: asked.append(what) or real(self, container, **what)
    )
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        service = hub.services[0]
        ann = View(hub, Visit(Identity('ann', True, EVERYTHING, '', 'session', 1 << 40)), Redactor())
        await collect(ann.read(service, tail=5))
        await collect(ann.read(service, since=START))
        assert [(what.get('tail'), what.get('since')) for what in asked] == [(5, None), (None, START)]
        asked.clear()
        bob = View(hub, Visit(BOB), Redactor())
        await collect(bob.read(service, tail=5))
        await collect(bob.read(service, since=START))
        assert [(what.get('tail'), what.get('since')) for what in asked] == [
            (5 + LOOK_BACK, None),
            (None, START - LOOK_BACK_TIME),
        ]


# where no beginning is there any more


@pytest.mark.parametrize('dress', DRESSES)
@given(st.integers(0, 1 << 30))
@settings(max_examples=25, deadline=None)
def test_a_key_whose_beginning_is_gone_is_known_by_its_shape_in_every_dress(dress, seed):
    chance = random.Random(seed)
    text = base64.b64encode(chance.randbytes(500)).decode()
    body = [text[start : start + 64] for start in range(0, len(text), 64)]
    rows = [
        line(dress.format(part), number)
        for number, part in enumerate([*body[chance.randrange(8) :], '-----END PRIVATE KEY-----'])
    ]
    changed = Scan(RULES).changes(rows)
    left = '\n'.join(changed.get(index, row).text for index, row in enumerate(rows))
    assert not any(part in left for part in body)


def test_what_a_history_lost_before_anybody_looked_is_known_by_its_shape():
    history, lens = History(1_000, 1 << 20), RedactingLens(RULES)
    history.append([line(f'app-1  | {text}', number) for number, text in enumerate(PEM[2:])])
    assert not any(part in str(row.content) for row in lens.held(history, 0) for part in PEM[2:-1])


PEM = [
    '-----BEGIN PRIVATE KEY-----',
    *(c * 20 + 'x9Q' * 14 + 'Zz' for c in 'abcd'),
    'Qw1k==',
    '-----END PRIVATE KEY-----',
]


# lines that were cut


def line(text: str | bytes, number: int = 0, stream: int = 1) -> LogLine:
    return LogLine.of(WEB, START + number, text if isinstance(text, bytes) else f'{text}\n'.encode(), stream)


SECRETS = [
    'AKIAIOSFODNN7EXAMPLE',
    'password=hunter2hunter2',
    'Authorization: Basic dXNlcjpwYXNzd29yZA==',
    '4111 1111 1111 1111',
    'postgres://ann:hunter2hunter2@db',
    'x-api-key: 0123456789abcdef0123',
    '-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\\nAgEAAoIBAQ\\n-----END PRIVATE KEY-----',
    'eyJhbGciOiJIUzI1NiJ9.' + 'eyJzdWIiOiJib2IifQ' * 300 + '.SflKxwRJSMeKKF2QT4fwpM',
]


@pytest.mark.parametrize('secret', SECRETS, ids=lambda secret: secret[:20])
def test_a_secret_across_the_cut_of_a_line_goes_from_both_parts(secret):
    for split in (3, len(secret) // 2, len(secret) - 6):
        first = b'word ' * (LONGEST_LINE // 5) + b' ' + secret[:split].encode()
        rows = [line(first), line('of the other stream', 1, stream=2), line(secret[split:] + ' and more', 2)]
        changed = Scan(RULES).changes(rows)
        left = [changed.get(index, row).text for index, row in enumerate(rows)]
        assert left[1] == 'of the other stream'
        assert left[2].endswith('and more') or secret.startswith('-----')
        for half, text in ((secret[:split], left[0]), (secret[split:], left[2])):
            word = max(half.split(), key=len)
            assert len(word) < 5 or word not in text


def test_the_pieces_of_a_terminal_are_cut_lines_too():
    piece = b'w' * ((LONGEST_LINE // (ENGINE_SPLIT + PREFIX)) * ENGINE_SPLIT)
    assert line(piece).is_cut
    assert not line(piece + b'\n').is_cut
    assert not line(piece[:-ENGINE_SPLIT]).is_cut


def test_of_a_cut_line_without_a_secret_little_is_hidden():
    first = b'word ' * (LONGEST_LINE // 5)
    rows = [line(first), line('rest of it', 1), line('next', 2)]
    changed = Scan(RULES).changes(rows)
    assert set(changed) == {0}
    assert len(first) - len(changed[0].content) < OVERLAP
    assert changed[0].content.endswith(b'[redacted: cut line]')


async def test_a_cut_line_is_seen_alike_from_its_second_part_on(views):
    first = b'word ' * (LONGEST_LINE // 5) + b'password=hunter2'
    log = [(START, first, 1), (START + 1, b'hunter2 rest\n', 1), (START + 2, b'last\n', 1)]
    engine, _ = await views(log)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        view, service = View(hub, Visit(BOB), Redactor()), hub.services[0]
        for start in range(3):
            rows = await collect(view.read(service, tail=3 - start))
            assert 'hunter2' not in str(rows)
            assert len(rows) == 3 - start


async def test_an_export_of_a_time_within_a_key_shows_none_of_it(tmp_path):
    key = ['-----BEGIN RSA PRIVATE KEY-----', *('A' * 40, 'B' * 39 + '='), 'done']  # short lines: only BEGIN tells
    lines = [LogLine.of(WEB, START + number, text) for number, text in enumerate(key)]
    store = Store(tmp_path / 'store', 1 << 30, 1_000_000, gather=0)
    async with LogHub(ScriptedEngine(), Settings(store_exclude=('*/*',)), store) as hub:
        await store.append(WEB.service, lines)
        await store.flush()
        visit = Visit(Identity('ann', True, EVERYTHING, 'token', 'session', 1 << 40))
        storage = View(hub, visit, Redactor(audience='everyone')).storage
        for first in range(1, 3):
            rows = [row async for rows in storage.rows(Wanted.of(None, START + first, None)) for row in rows]
            assert rows
            assert not any(text in row.text for row in rows for text in key[1:3])
