"""Lines that were taken are kept byte for byte, whatever ends the process and whatever is wrong with the disk."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import BadRequest
from dashboard.lines import parse
from dashboard.model import SECOND, Gap, LogLine, Notice, format_timestamp
from dashboard.store import Wanted
from dashboard.store.asked import first_line
from dashboard.store.columns import LEVEL, SELECTED, Batch, Intake, kept_of
from dashboard.store.database import make_lines, rows_of, sources_of, view_of
from dashboard.store.inserting import insert
from tests.support.until import until
from tests.unit.store.conftest import START, container, everything, lines_of

WEB, API = container('web'), container('api')


def records(rows):
    return [row.record for row in rows if isinstance(row, LogLine)]


@given(
    contents=st.lists(st.binary(max_size=60).map(lambda content: content.replace(b'\n', b'')), min_size=1, max_size=20),
    endings=st.sampled_from([b'\n', b'\r\n', b'']),
)
def test_lines_come_back_byte_for_byte(contents, endings):
    written = [
        LogLine(WEB, 1 + index % 2, format_timestamp(START + index).encode() + b' ' + content + endings, index % 3)
        for index, content in enumerate(contents)
    ]
    with duckdb.connect() as connection:
        make_lines(connection, 1)
        insert(connection, 1, Intake(0).take([Batch(WEB.service, written)]), {})
        rows = connection.execute(f'SELECT {SELECTED} FROM {view_of(1)} ORDER BY seq').fetchall()
    found = [kept.row for kept in kept_of(rows, {})]
    assert records(found) == records(written)
    assert [
        (row.stream, row.ordinal, row.container.id, row.container.name, row.container.service) for row in found
    ] == [(row.stream, row.ordinal, row.container.id, row.container.name, row.container.service) for row in written]


@pytest.mark.parametrize('sealed', [False, True], ids=['unsealed', 'sealed'])
async def test_what_is_no_text_is_kept_sealed_or_not(store, sealed):
    every = bytes(code for code in range(256) if code != 10) + b'\n'
    written = [*lines_of(WEB, 1, text='\x1b[31mred\x1b[0m {}\0\r'), LogLine.of(WEB, START + 1, every)]
    await store.append(WEB.service, written)
    await (store.seal() if sealed else store.flush())
    assert records(await everything(store)) == records(written)


@pytest.mark.parametrize('stamp', ['0001-01-01T00:00:00.000000001Z', '9999-12-31T23:59:59.999999999Z'])
async def test_a_timestamp_beyond_all_reason_is_kept_too(store, stamp):
    line = LogLine(WEB, 1, stamp.encode() + b' from another age\n')
    await store.append(WEB.service, [line])
    await store.seal()
    assert records(await everything(store)) == [line.record]


async def test_gaps_and_notices_are_kept_in_their_place(store):
    first, last = lines_of(WEB, 2, every=10 * SECOND)
    gap = Gap(
        START + SECOND, START + 2 * SECOND, 7, 'they are lost', lost=True, container=WEB.short_id, service=WEB.service
    )
    notice = Notice(START + 3 * SECOND, 'web was started')
    await store.append(WEB.service, [first, gap, notice, last])
    await store.seal()
    assert (await everything(store))[1:3] == [gap, notice]


async def test_what_was_committed_is_there_after_the_end_and_how_far_each_container_was_read(make):
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await store.append(API.service, lines_of(API, 5))
    async with make() as store:
        assert len(await everything(store)) == 15
        assert store.cursors == {
            one.short_id: (one.service, lines_of(one, count)[-1].cursor) for one, count in ((WEB, 10), (API, 5))
        }
        assert store.health.recording


async def test_a_table_that_was_sealed_when_the_process_was_killed_is_not_there_twice(make, directory):
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await store.flush()
        connection = store.database.connection().cursor()
        for table in (tables := (rows_of(1), sources_of(1))):
            connection.execute(f'CREATE TABLE kept_{table} AS FROM {table}')
        await store.seal()
        for table in tables:  # as if they had not been dropped yet
            connection.execute(f'CREATE TABLE {table} AS FROM kept_{table}')
        (directory / 'lines-00000009-00000009.parquet.unfinished').write_bytes(b'PAR1')
    async with make() as store:
        assert len(await everything(store)) == 10
        assert not list(directory.glob('*.unfinished'))


async def test_files_of_which_a_larger_one_has_the_lines_are_not_there_twice(make, directory):
    async with make() as store:
        for round_ in range(6):
            await store.append(WEB.service, lines_of(WEB, 10, start=START + round_ * SECOND))
            await store.seal()
        kept = {path: path.read_bytes() for path in directory.glob('lines-*')}
        await until(lambda: len(list(directory.glob('lines-*'))) == 1 or store._writer._merge())
        for path, content in kept.items():  # as if they had not been unlinked yet
            path.write_bytes(content)
    async with make() as store:
        assert len(await everything(store)) == 60
        assert len(list(directory.glob('lines-*'))) == 1


@pytest.mark.parametrize('remembered', [False, True])
async def test_an_unreadable_file_with_a_wide_name_costs_no_good_ones(make, directory, remembered):
    name = 'lines-00000001-00000099.parquet'
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await store.seal()
        if remembered:
            summary = '{"shares": [], "low": 0, "high": 9, "heads": []}'
            store.database.connection().execute('INSERT INTO summaries VALUES (?, 15, ?)', [name, summary])
    (directory / name).write_bytes(b'no Parquet file')
    async with make() as store:
        assert records(await everything(store)) == records(lines_of(WEB, 10))
        assert f'{name} is damaged and was put aside.' in store.health.notes
    assert (directory / 'lines-00000001-00000001.parquet').exists()
    assert (directory / f'damaged-{name}').exists()


async def test_the_oldest_files_go_when_there_are_too_many_bytes(make):
    budget = 5_000_000
    async with make(budget=budget) as store:
        for round_ in range(8):
            noise = [os.urandom(400).hex() for _ in range(2_000)]
            start = START + round_ * SECOND
            await store.append(WEB.service, [LogLine.of(WEB, start + i, text + '\n') for i, text in enumerate(noise)])
            await store.seal()
        largest = max(part.size for part in store.parts)
        assert store.usage().bytes <= budget + largest
        rows = await everything(store)
        assert 4_000 <= len(rows) < 16_000
        assert (rows[-1].timestamp, len(rows) % 2_000) == (START + 7 * SECOND + 1_999, 0)
        assert [row.timestamp for row in rows] == sorted(row.timestamp for row in rows)


async def test_a_small_budget_is_kept_and_most_of_it_is_sealed_lines(make):
    budget, most = 3_000_000, 0
    async with make(budget=budget) as store:
        for round_ in range(20):
            lines = lines_of(WEB, 4_000, start=START + round_ * 10 * SECOND, text=f'{os.urandom(50).hex()} {{}}')
            for first in range(0, len(lines), 500):
                await store.append(WEB.service, lines[first : first + 500])
            await store.flush()
            most = max(most, store.usage().bytes)
        assert most < 1.5 * budget
        assert len([part for part in store.parts if part.sealed]) > 3


async def test_lines_go_when_they_are_older_than_so_many_days(make):
    now = time.time_ns()
    async with make(days=3) as store:
        for days in (5, 1):
            await store.append(WEB.service, lines_of(WEB, 10, start=now - days * 86_400 * SECOND))
            await store.seal()
        assert len(await everything(store)) == 10


async def test_lines_that_are_too_old_are_not_found_beside_newer_ones(make):
    now = time.time_ns()
    async with make(days=3) as store:
        for one, days in ((API, 5), (WEB, 5), (WEB, 1)):
            await store.append(one.service, lines_of(one, 10, start=now - days * 86_400 * SECOND))
        kept = records(lines_of(WEB, 10, start=now - 86_400 * SECOND))
        for make_ready in (store.flush, store.seal):
            await make_ready()
            assert records(await everything(store)) == kept
            steps = [step async for step in store.messages.run(parse(''), Wanted())]
            assert [message.lines[0].record for step in steps for message in step.messages] == kept[::-1]
            file = await store.export(Wanted())
            assert duckdb.execute(f"SELECT count(*) FROM read_parquet('{file}')").fetchone() == (10,)
            assert set(store.services()) == {WEB.service}
            assert not store.covers([API.service])


async def test_a_file_is_written_anew_without_what_is_more_than_a_day_too_old(make):
    now = time.time_ns()
    async with make(days=3) as store:
        for days in (5, 1):
            await store.append(WEB.service, lines_of(WEB, 10, start=now - days * 86_400 * SECOND))
        await store.seal()
        await store._done(store._writer.care)
        (kept,) = store.usage().services
        assert (kept.lines, kept.first) == (10, now - 86_400 * SECOND)
        assert [part.lines for part in store.parts if part.sealed] == [10]


async def test_files_are_their_owners_only(make, directory):
    before = os.umask(0)
    try:
        async with make() as store:
            await store.append(WEB.service, lines_of(WEB, 10))
            await store.seal()
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert {stat.S_IMODE(path.stat().st_mode) for path in directory.glob('lines-*')} == {0o600}
    finally:
        os.umask(before)


@pytest.mark.parametrize('harm', ['vanishes', 'is damaged'])
@pytest.mark.parametrize('when', ['while it runs', 'while nobody looks'])
async def test_a_file_that_cannot_be_read_is_a_gap_once(make, directory, harm, when):
    def do_harm():
        path = directory / 'lines-00000001-00000001.parquet'
        if harm == 'vanishes':
            path.unlink()
        else:
            path.write_bytes(b'\xff' * path.stat().st_size)

    async with make() as store:
        for round_ in range(2):
            await store.append(WEB.service, lines_of(WEB, 10, start=START + round_ * SECOND))
            await store.seal()
        if when == 'while it runs':
            do_harm()
            await everything(store)
    if when != 'while it runs':
        do_harm()
    for _ in range(2):
        async with make() as store:
            await everything(store)  # where nothing tells it before, it is found then
            await store.flush()
            rows = await everything(store)
            gaps = [row for row in rows if isinstance(row, Gap)]
            assert [(gap.missed, gap.lost, gap.service) for gap in gaps] == [(10, True, WEB.service)]
            assert gaps[0].start == START
            assert records(rows)[:10] == records(lines_of(WEB, 10, start=START + SECOND))


async def test_a_damaged_database_is_put_aside_and_containers_are_read_from_the_last_sealed_line(make, directory):
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await store.seal()
        await store.append(WEB.service, lines_of(WEB, 10, start=START + SECOND))
    (directory / 'unsealed.duckdb').write_bytes(os.urandom(50_000))
    (directory / 'unsealed.duckdb.wal').unlink(missing_ok=True)
    async with make() as store:
        assert store.health.recording
        assert 'damaged' in store.health.notes[0]
        assert store.cursors == {WEB.short_id: (WEB.service, lines_of(WEB, 10)[-1].cursor)}
        await store.append(WEB.service, lines_of(WEB, 5, start=START + 2 * SECOND))
        await store.seal()
        assert len(await everything(store)) == 15
    assert list(directory.glob('damaged-*'))


async def test_what_is_sealed_can_be_read_while_another_process_records(make, directory):
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await store.seal()
    script = (
        f'import duckdb, sys; c = duckdb.connect({str(directory / "unsealed.duckdb")!r}); print(1, flush=True); input()'
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, '-c', script, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await other.stdout.readline()
    async with make() as store:
        assert not store.health.recording
        assert 'Another dashboard' in store.health.words
        assert len(await everything(store)) == 10
        await store.append(WEB.service, lines_of(WEB, 10, start=START + SECOND))
        other.stdin.write(b'\n')
        other.stdin.close()
        await other.wait()
        await until(lambda: store.health.recording)
        await store.flush()
        assert len(await everything(store)) == 20


async def test_a_failed_commit_is_tried_again_and_nothing_is_lost_or_there_twice(make, monkeypatch):
    from dashboard.store import store as module
    from dashboard.store import writer

    monkeypatch.setattr(module, 'FIRST_RETRY', 0.01)
    insert, fails = writer.insert, [True]

    def failing(*arguments):
        new = insert(*arguments)
        if fails:
            raise OSError(28, 'No space left on device')
        return new

    monkeypatch.setattr(writer, 'insert', failing)
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await until(lambda: not store.health.recording)
        assert 'full' in store.health.words
        fails.clear()
        await until(lambda: store.health.recording)
        await store.flush()
        assert records(await everything(store)) == records(lines_of(WEB, 10))


async def test_what_nobody_has_thought_of_is_told_and_does_not_end_the_recording(make, monkeypatch):
    from dashboard.store import store as module
    from dashboard.store import writer

    monkeypatch.setattr(module, 'FIRST_RETRY', 0.01)
    insert = writer.insert
    monkeypatch.setattr(writer, 'insert', _err)
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 10))
        await until(lambda: 'out of range' in store.health.words)
        monkeypatch.setattr(writer, 'insert', insert)
        await until(lambda: store.health.recording)
        await store.flush()
        assert len(await everything(store)) == 10


async def test_who_appends_waits_while_too_much_waits(make, monkeypatch):
    from dashboard.store import store as module
    from dashboard.store import writer

    monkeypatch.setattr(module, 'FIRST_RETRY', 0.01)
    monkeypatch.setattr(module, 'MOST_WAITING', 1_000)
    insert = writer.insert
    monkeypatch.setattr(writer, 'insert', _fail)
    async with make() as store:
        await store.append(WEB.service, lines_of(WEB, 100))
        waiting = asyncio.create_task(store.append(WEB.service, lines_of(WEB, 1, start=START + SECOND)))
        await until(lambda: not store.health.recording)
        assert not waiting.done()
        monkeypatch.setattr(writer, 'insert', insert)
        await waiting
        await store.flush()
        assert len(await everything(store)) == 101


def _err(*_):
    raise IndexError('out of range')


def _fail(*_):
    raise OSError(28, 'No space left on device')


async def test_a_service_is_purged_and_so_is_what_is_older_than_a_moment(store):
    for round_ in range(2):
        for one in (WEB, API):
            await store.append(one.service, lines_of(one, 10, start=START + round_ * SECOND))
        await store.seal()
    await store.purge(WEB.service)
    assert {row.container.service for row in await everything(store)} == {API.service}
    await store.purge(before=START + SECOND + 5_000_000)
    assert len(await everything(store)) == 5
    assert store.usage().lines == 5
    assert set(store.services()) == {API.service}


@pytest.mark.parametrize('harm', ['vanishes', 'is damaged'])
async def test_a_service_is_purged_though_a_file_cannot_be_read(store, directory, harm):
    for round_ in range(3):
        for one in (WEB, API):
            await store.append(one.service, lines_of(one, 10, start=START + round_ * SECOND))
        await store.seal()
    path = directory / 'lines-00000002-00000002.parquet'
    path.unlink() if harm == 'vanishes' else path.write_bytes(b'\xff' * path.stat().st_size)
    await store.purge(WEB.service)
    rows = await everything(store)
    assert len(records(rows)) == 20
    assert [(row.service, row.missed) for row in rows if isinstance(row, Gap)] == [(API.service, 10)]
    assert set(store.services()) == {API.service}
    await until(lambda: store.health.notes)
    assert path.name in store.health.notes[0]


@pytest.mark.parametrize('harm', ['vanishes', 'is damaged', 'has one damaged column'])
async def test_what_can_be_read_is_exported_and_the_rest_becomes_a_gap(store, directory, harm):
    for round_ in range(3):
        await store.append(WEB.service, lines_of(WEB, 10, start=START + round_ * SECOND))
        await store.seal()
    path = directory / 'lines-00000002-00000002.parquet'
    content = path.read_bytes()
    path.unlink()
    if harm != 'vanishes':
        length = len(content) if harm == 'is damaged' else 40
        path.write_bytes(content[:4] + b'\xff' * length + content[4 + length :])
    file = await store.export(Wanted())
    assert duckdb.execute(f"SELECT count(*) FROM read_parquet('{file}')").fetchone() == (20,)
    await until(lambda: store.health.notes)
    assert [row.missed for row in await everything(store) if isinstance(row, Gap)] == [10]


async def test_an_export_of_nothing_but_what_cannot_be_read_says_so(store, directory):
    await store.append(WEB.service, lines_of(WEB, 10))
    await store.seal()
    (directory / 'lines-00000001-00000001.parquet').unlink()
    with pytest.raises(BadRequest):
        await store.export(Wanted())
    assert not list(directory.glob('export-*'))


@pytest.mark.parametrize(
    ('said', 'told'),
    [
        (
            'IO Error: Cannot open file "/data/my lines/a.parquet": No such file',
            'IO Error: Cannot open file "a.parquet": No such file',
        ),
        ("[Errno 13] Permission denied: '/data/lines/a.parquet'", "[Errno 13] Permission denied: 'a.parquet'"),
        ('Could not write /data/lines/a.parquet', 'Could not write a.parquet'),
        ('50 lines/s', '50 lines/s'),
    ],
)
def test_errors_name_files_but_not_where_they_are(said, told):
    assert first_line(Exception(said)) == told


async def test_bytes_are_those_of_each_service_sealed_or_not(store):
    small, large = lines_of(WEB, 10), lines_of(API, 10, text='x' * 1_000)
    for lines in (small, large):
        await store.append(lines[0].container.service, lines)
    for make_ready in (store.flush, store.seal):
        await make_ready()
        raw = {kept.service: kept.raw for kept in store.usage().services}
        assert raw == {lines[0].container.service: sum(len(line.record) for line in lines) for lines in (small, large)}


def test_a_message_is_one_however_its_lines_come_in_batches():
    lines = [
        LogLine.of(WEB, START + index, text + '\n')
        for index, text in enumerate(['ERROR: it broke', '  at one', '  at two', 'INFO: and goes on'])
    ]
    intake = Intake(100)
    columns = [intake.take([Batch(WEB.service, [line])]) for line in lines]
    assert [column.head[0] for column in columns] == [100, 100, 100, 103]
    assert [column.marks[0] & LEVEL for column in columns] == [5, 5, 5, 3]


def test_a_remark_of_a_removed_service_names_it():
    row = ('local', 'shop', 'web', 'abc', '', 0, START, 0, 5, 5, 0, 'gone', None, None, None, START - 1, 3, True)
    (kept,) = kept_of([row], {})
    assert kept.row == Gap(START - 1, START, 3, 'gone', lost=True, container='abc', service=WEB.service)
