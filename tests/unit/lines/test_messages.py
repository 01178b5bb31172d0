"""Lines that belong together are one message, whatever else is written meanwhile; nothing is reordered or lost."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import Grouper, Level, beginning, level_of, messages_of, parse, surely_begins
from dashboard.lines.messages import LOOK_BACK, MOST_BYTES, MOST_LINES, WITHIN
from dashboard.model import SECOND, Container, Gap, LogLine, Notice, Row, ServiceKey, Stream
from tests.support.cost import assert_linear

START = 1_767_323_045 * SECOND
STEP = 1_000_000  # nanoseconds


def container(name: str) -> Container:
    return Container(name * 64, f'shop-{name}-1', ServiceKey('local', 'shop', name), f'{name}:1', 'running')


WEB, API = container('a'), container('b')


def rows_of(text: str, of: Container = WEB, stream: int = Stream.STDERR, start: int = START) -> list[LogLine]:
    return [LogLine.of(of, start + index * STEP, line + '\n', stream) for index, line in enumerate(text.split('\n'))]


def grouped(rows: list[Row]) -> list[list[str]]:
    return [[line.text for line in message.lines] for message in messages_of(rows)]


PYTHON = """\
2026-01-02 03:04:05,678 ERROR shop.orders order 4711 failed
Traceback (most recent call last):
  File "/app/orders.py", line 12, in place
    stock.take(order)
KeyError: 'sku'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    place(order)
shop.errors.NoStock: nothing left
  of this"""
BARE = """\
Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    1 / 0
ZeroDivisionError: division by zero"""
JAVA = """\
2026-01-02 03:04:05.678 ERROR 1 --- [main] c.e.Shop : boom
java.lang.IllegalStateException: no stock
\tat com.example.Shop.place(Shop.java:12)
\tat com.example.Shop.main(Shop.java:3)
Caused by: java.sql.SQLException: closed
\tat org.db.Pool.get(Pool.java:88)
\t... 23 more"""
JAVA_ALONE = """\
Exception in thread "main" java.lang.NullPointerException
    at Main.main(Main.java:5)
Caused by: java.io.IOException: no
    at Main.read(Main.java:9)
    ... 1 more"""
GO = """\
panic: runtime error: index out of range [3] with length 2

goroutine 1 [running]:
main.pick(0x2, {0xc000012345, 0x1})
\t/app/main.go:12 +0x1d
main.main()
\t/app/main.go:5 +0x25
created by net/http.(*Server).Serve in goroutine 1
\t/usr/local/go/src/net/http/server.go:3086 +0x5cb

goroutine 7 [select]:
github.com/gin-gonic/gin.(*Context).Next(...)
\t/go/pkg/mod/gin/context.go:174
exit status 2"""
NODE = """\
/app/index.js:12
    throw new Error('boom')
    ^

Error: boom
    at main (/app/index.js:12:9) {
  code: 'EBOOM'
}

Node.js v20.11.0"""
DOTNET = """\
fail: Shop.Orders[13]
      An unhandled exception was thrown.
      System.InvalidOperationException: no stock
       ---> System.IO.IOException: closed
         at Shop.Db.Open() in /src/Db.cs:line 8
         --- End of inner exception stack trace ---
         at Shop.Orders.Place() in /src/Orders.cs:line 12"""
DOTNET_ALONE = """\
Unhandled exception. System.InvalidOperationException: Sequence contains no elements
   at System.Linq.ThrowHelper.ThrowNoElementsException()
   at Program.<Main>$(String[] args) in /src/Program.cs:line 3
--- End of stack trace from previous location ---
   at Program.Main()"""
RUBY = """\
app.rb:3:in `place': no stock (RuntimeError)
\tfrom app.rb:7:in `block in <main>'
\tfrom app.rb:9:in `<main>'"""
PHP = """\
PHP Fatal error:  Uncaught RuntimeException: no stock in /app/a.php:3
Stack trace:
#0 /app/a.php(7): place()
#1 {main}
  thrown in /app/a.php on line 3"""
RUST = """\
thread 'main' panicked at src/main.rs:2:5:
no stock
stack backtrace:
   0: rust_begin_unwind
             at /rustc/lib.rs:645:5
   1: shop::main
note: run with `RUST_BACKTRACE=full` for a verbose backtrace."""
POSTGRES = """\
2026-01-02 03:04:05.678 UTC [88] ERROR:  duplicate key value violates unique constraint "orders_pkey"
2026-01-02 03:04:05.678 UTC [88] DETAIL:  Key (id)=(7) already exists.
2026-01-02 03:04:05.678 UTC [88] STATEMENT:  INSERT INTO orders
\t(id) VALUES
\t(7)
2026-01-02 03:04:05.679 UTC [88] HINT:  Take another."""
PRETTY = """\
{
  "level": "error",
  "items": [
    1
  ],
"also": 7
}"""
TRACES = {
    'python': (PYTHON, Level.ERROR), 'bare python': (BARE, Level.ERROR), 'java': (JAVA, Level.ERROR),
    'java alone': (JAVA_ALONE, Level.ERROR), 'go': (GO, Level.FATAL), 'node': (NODE, Level.ERROR),
    'dotnet': (DOTNET, Level.ERROR), 'dotnet alone': (DOTNET_ALONE, Level.ERROR), 'ruby': (RUBY, Level.UNKNOWN),
    'php': (PHP, Level.FATAL), 'rust': (RUST, Level.ERROR), 'postgres': (POSTGRES, Level.ERROR),
    'pretty json': (PRETTY, Level.ERROR),
}  # fmt: skip


def test_an_object_begins_another_message_than_the_one_before_it():
    objects = ['{\n  "a": {\n    "b": 1\n  }\n}', '{\n"a": {\n"b": 1\n},\n"c": [\n1\n]\n}', '{\n  "d": 2\n}']
    assert grouped(rows_of('\n'.join(objects))) == [text.split('\n') for text in objects]


@pytest.mark.parametrize(
    ('text', 'level'),
    [
        ('{\n  "level": "\\u001b[31merror\\u001b[39m",\n  "x": "y"\n}', Level.ERROR),
        ('{\n\t"level":40\n}', Level.WARN),
        ('{\n"time": 1,\n"severity": "INFO"\n}', Level.INFO), ('{\n  "message": "error"\n}', Level.UNKNOWN),
        ('{\n  "a": {\n    "level": "error"\n  },\n  "level": "info"\n}', Level.INFO),
        ('{\n  "a": {\n    "level": "error"\n  }\n}', Level.UNKNOWN), ('[\n  "level"\n]', Level.UNKNOWN),
    ],
)  # fmt: skip
def test_an_object_over_several_lines_has_the_level_of_its_own_members(text, level):
    (found,) = messages_of(rows_of(text))
    assert found.level is level is level_of(text.replace('\n', ' ').encode())
    assert parse(f'level:{level.name}').matches(found)
    assert any(map(parse(f'level:{level.name}').hint, [row.record for row in found.lines]))


@pytest.mark.parametrize('name', TRACES)
def test_a_trace_is_one_message_with_its_level(name):
    text, level = TRACES[name]
    before, after = '2026-01-02 03:04:05,000 INFO before', 'INFO: after'
    found = messages_of(rows_of(f'{before}\n{text}\n{after}\nand more'))
    assert [[line.text for line in message.lines] for message in found] == [
        [before], text.split('\n'), [after], ['and more']
    ]  # fmt: skip
    assert found[1].level is level
    assert found[1].content.decode() == text


@pytest.mark.parametrize('name', TRACES)
def test_colours_part_no_trace(name):
    text, _ = TRACES[name]
    coloured = '\n'.join(f'\x1b[31m{line}\x1b[0m' for line in text.split('\n'))
    rows = rows_of(f'INFO: before\n{coloured}\nINFO: after')
    assert [len(message.lines) for message in messages_of(rows)] == [1, text.count('\n') + 1, 1]


@pytest.mark.parametrize('name', TRACES)
def test_other_containers_and_streams_between_its_lines_part_no_trace(name):
    text, _ = TRACES[name]
    traces = [rows_of(text), rows_of(text, API), rows_of(text, WEB, Stream.STDOUT)]
    rows = [line for together in zip(*traces, strict=True) for line in together]
    assert grouped(rows) == [text.split('\n')] * 3
    parts = Grouper().feed(rows)
    assert [part.first for part in parts[:3]] == [True] * 3
    assert not any(part.first for part in parts[3:])


ALONE = [
    'one',
    'two',
    'ValueError: x',
    'INFO: y',
    '{"level":"info"}',
    '2026-01-02 03:04:05 no level',
    'a: b',
    '12',
    '}',
]


def test_ordinary_lines_are_messages_of_their_own():
    assert grouped(rows_of('\n'.join(ALONE))) == [[line] for line in ALONE]


@pytest.mark.parametrize(
    'text',
    [
        ' INFO | started', '   2026-01-02 03:04:05 x', '  ERROR: no', '\x1b[2m2026-01-02T03:04:05Z\x1b[0m  INFO a: b',
        '   205:20260102:030405.678 Starting', 'INFO: x', '[error] x', '{"a":1}', 'Traceback (most recent call last):',
    ],
)  # fmt: skip
def test_a_line_with_a_beginning_of_its_own_goes_on_with_nothing(text):
    assert len(grouped(rows_of(f'a plain line\n{text}'))) == (1 if text.startswith('   205') else 2)


def test_postgres_says_more_of_its_own_process_only():
    text = '2026-01-02 03:04:05 UTC [8] ERROR:  no\n2026-01-02 03:04:05 UTC [9] DETAIL:  of another'
    assert len(grouped(rows_of(text))) == 2


def test_after_a_pause_nothing_goes_on():
    rows = [
        *rows_of('ERROR: a\n  b'),
        *rows_of('  c', start=START + STEP + WITHIN),
        *rows_of('  d', start=START + 3 * WITHIN),
    ]
    assert grouped(rows) == [['ERROR: a', '  b', '  c'], ['  d']]


def test_behind_a_gap_nothing_goes_on_and_a_notice_parts_nothing():
    first, second, third = rows_of('ERROR: a\n  b\n  c')
    rows = [first, Notice(START, 'x'), second, Gap(START, START, 3, 'lost'), third]
    assert grouped(rows) == [['ERROR: a', '  b'], ['  c']]
    assert [part and part.message for part in Grouper().feed(rows)] == [0, None, 0, None, 4]


def test_the_first_line_decides_the_level_and_the_worst_where_it_says_none():
    assert [message.level for message in messages_of(rows_of('INFO: a\nCaused by: x'))] == [Level.INFO]
    assert [message.level for message in messages_of(rows_of('a\nCaused by: x\n\tat y'))] == [Level.UNKNOWN]
    assert [message.level for message in messages_of(rows_of(NODE))] == [Level.ERROR]


def test_a_message_is_bounded_in_lines_and_in_bytes():
    lines = messages_of(rows_of('\n'.join(['ERROR: a', *['  b'] * 2 * MOST_LINES])))
    assert [len(message.lines) for message in lines] == [MOST_LINES, MOST_LINES, 1]
    wide = messages_of(rows_of('\n'.join(['ERROR: a', *['  ' + 'x' * (MOST_BYTES // 4)] * 5])))
    assert [len(message.lines) for message in wide] == [4, 2]


# -- whatever comes

PIECES = (
    [line for text, _ in TRACES.values() for line in text.split('\n')] + ALONE + ['', '  x', '\t', '{', '} ,', '"a"']
)
sources = st.sampled_from([(WEB, 1), (WEB, 2), (API, 1)])
steps = st.sampled_from([0, 0, 0, STEP, WITHIN, WITHIN + 1])


@st.composite
def timelines(draw: st.DrawFn) -> list[Row]:
    moment, rows = START, []
    for _ in range(draw(st.integers(0, 30))):
        of, stream = draw(sources)
        moment += draw(steps)
        if draw(st.integers(0, 30)) == 0:
            rows.append(Gap(moment, moment, 1, 'lost'))
        rows.append(LogLine.of(of, moment, draw(st.sampled_from(PIECES)) + '\n', stream))
    return rows


def numbers(rows: list[Row], cuts: list[int] = ()) -> list[int | None]:
    grouper, edges = Grouper(), [0, *sorted(cuts), len(rows)]
    return [part and part.message for start, end in pairwise(edges) for part in grouper.feed(rows[start:end])]


def renumbered(found: list[int | None]) -> list[int | None]:
    names: dict[int, int] = {}
    return [None if number is None else names.setdefault(number, len(names)) for number in found]


@given(timelines(), st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=60, deadline=None)
def test_batches_change_nothing(rows, cuts):
    assert numbers(rows, [min(cut, len(rows)) for cut in cuts]) == numbers(rows)


@given(timelines())
@settings(max_examples=60, deadline=None)
def test_no_line_is_lost_reordered_or_mixed(rows):
    lines = [row for row in rows if isinstance(row, LogLine)]
    found = messages_of(rows)
    assert sorted((line for message in found for line in message.lines), key=lines.index) == lines
    for message in found:
        assert len({(line.container.id, line.stream) for line in message.lines}) == 1
        assert list(message.lines) == sorted(message.lines, key=lines.index)
    firsts = [lines.index(message.lines[0]) for message in found]
    assert firsts == sorted(firsts)


@given(timelines(), st.integers(0, 30))
@settings(max_examples=120, deadline=None)
def test_from_a_beginning_lines_are_grouped_as_from_the_very_first(rows, index):
    index = min(index, len(rows))
    start = beginning(rows, index)
    assert 0 <= start <= index
    assert renumbered(numbers(rows[start:])[index - start :]) == renumbered(numbers(rows)[index:])


@given(timelines())
@settings(max_examples=60, deadline=None)
def test_a_line_that_surely_begins_does_so_after_anything(rows):
    for row, part in zip(rows, Grouper().feed(rows), strict=True):
        if isinstance(row, LogLine) and surely_begins(row.content):
            assert part.first


def test_the_way_back_is_bounded():
    rows = rows_of('\n'.join(['  x'] * 3 * LOOK_BACK))
    assert beginning(rows, len(rows) - 1) == len(rows) - LOOK_BACK


@pytest.mark.parametrize('piece', [b'a', b' ', b'a.', b'{', b'[', b'\x1b[', b'a(', b'A.a', b'/a:1'])
def test_a_long_line_takes_linear_time(piece):
    def work(size: int) -> None:
        for before in ('panic: x', 'Traceback (most recent call last):', '{', '/a.js:1'):
            Grouper().feed([*rows_of(before), LogLine.of(WEB, START, piece * size, Stream.STDERR)])

    assert_linear(work, 500)


def test_many_containers_take_bounded_memory():
    grouper, some = Grouper(), random.Random(1)
    for _ in range(5_000):
        of = Container(some.randbytes(8).hex(), 'x', WEB.service, 'x', 'running')
        grouper.feed([LogLine.of(of, START, 'x')])
    assert len(grouper._open) <= 2_000
