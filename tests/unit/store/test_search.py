"""What the store finds is what the live filter finds, whatever is asked of whatever lines, sealed or not."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.lines import (
    And,
    Compares,
    HasField,
    HasLevel,
    HasValue,
    Level,
    Message,
    Not,
    OfContainer,
    OfService,
    OfStream,
    Order,
    Question,
    Regex,
    Text,
    all_of,
    any_of,
    messages_of,
    none_of,
    parse,
)
from dashboard.model import LogLine, Stream
from dashboard.store import Place, Store, Wanted
from dashboard.view.scan import Scan
from dashboard.view.secrets import Rules, mark
from tests.unit.store.conftest import START, container, lines_of

WEB, API = container('web'), container('api', project='other')
PIECES = [
    'a', 'B c', 'é', 'İ', 'ı', '\u212a', 'ſ', 'kis', 'KIS', 'k:v', 'k=v ', 'k=7 ', 'k=1e3 ', '\x1b[31m', '\r', '\0',
    '{"k":"v"}', '{"k":7}', '{"K":7.0,"a":{"b":"v w"}}', '{"k":"a \\" b"}', '{"\\u006b":12}', '{"level":"error","k":1}',
    '10.0.0.1 - - [x] "GET /k HTTP/1.1" 500 17', 'ERROR: ', 'WARN ', 'INFO ', ' ', '  at x', 'x y', '\u202e', '200',
    'Traceback (most recent call last):', '  File "x"',
    'password=hunter7 ', 'token: ghp_' + 'a1B2' * 9 + ' ', '[', 'red',
]  # fmt: skip
MARKS = {mark(name) for name in ('password', 'access token', 'secret', 'private key', 'AWS key', 'card number')}
OBJECT = ('{', '  "level": "warn",', '  "k": 7', '}')
LINES = 600


def made_lines() -> list[LogLine]:
    """Random lines of two services and streams, always the same ones, a millisecond apart."""
    chance = random.Random(15)
    found = []
    for number in range(LINES):
        text = ''.join(chance.choices(PIECES, k=chance.randint(1, 4)))
        content = text.encode() + (b'\xff\n' if number % 50 == 0 else b'\n')
        one, stream = chance.choice((WEB, API)), chance.choice([*Stream])
        if 10 <= number % 40 < 14:
            one, stream, content = WEB, Stream.STDOUT, OBJECT[number % 40 - 10].encode() + b'\n'
        found.append(LogLine.of(one, START + number * 1_000_000, content, stream))
    return found


ROWS = made_lines()
BY_SERVICE = [[row for row in ROWS if row.container is one] for one in (WEB, API)]
MESSAGES = sorted(
    (message for rows in BY_SERVICE for message in messages_of(rows)),
    key=lambda message: message.lines[0].timestamp,
    reverse=True,
)


@pytest.fixture(scope='module')
def found_by(tmp_path_factory):
    """Searches for a question in a store with these lines, some of them sealed in the middle of messages."""
    with asyncio.Runner() as runner:
        store = Store(tmp_path_factory.mktemp('store'), 1 << 30, 1_000_000, gather=0)
        runner.run(store.__aenter__())

        async def fill():
            for start in range(0, LINES, 50):
                for one in (WEB, API):
                    await store.append(one.service, [row for row in ROWS[start : start + 50] if row.container is one])
                if start in (150, 350):
                    await store.seal()
            await store.flush()

        async def search(question, **options):
            return [
                message
                async for found in store.messages.run(question, Wanted(), **options)
                for message in found.messages
            ]

        runner.run(fill())
        yield lambda question, **options: runner.run(search(question, **options))
        runner.run(store.__aexit__())


def named(messages: list[Message]) -> list[tuple[bytes, ...]]:
    return [tuple(line.record for line in message.lines) for message in messages]


words = st.text(st.sampled_from('aAkKsSiI\u212aſİıéÉ 7.{"\x1b[31m\0'), min_size=1, max_size=5)
leaves = st.one_of(
    st.builds(Text, words | st.sampled_from(['kis', 'hunter', 'redacted', 'b c', 'k=7', 'File "x"', 'x y', '200'])),
    st.builds(Regex, st.sampled_from(['a', 'k.s', '^E', '7$', 'call.*last', r'x\s+at', '(?s)a.*b', r'\w{4}', 'é'])),
    st.builds(
        HasValue,
        st.sampled_from(['k', 'a.b', 'status', 'method']),
        st.sampled_from(['v', '7', '500', 'GET', '', 'V w']),
    ),
    st.builds(
        Compares,
        st.sampled_from(['k', 'status', 'bytes']),
        st.sampled_from([*Order][1:]),
        st.sampled_from(['1', '7', '-2.5', '1e3', '500', '16.5', '8', '70']),
    ),
    st.builds(HasField, st.sampled_from(['k', 'a.b', 'level', 'path'])),
    st.builds(HasLevel, st.sampled_from(Order), st.sampled_from(Level)),
    st.builds(OfStream, st.sampled_from(Stream)),
    st.builds(OfService, st.sampled_from(['web', 'WEB', 'shop:web', 'none'])),
    st.builds(OfContainer, st.sampled_from(['web', 'shop-web-1', '7765', 'other'])),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
        inner.map(none_of),
    ),
    max_leaves=5,
)


@given(trees)
@example(Not(Text('a')))
@example(HasLevel(Order.IS, Level.WARN))
@example(And((HasLevel(Order.IS, Level.WARN), HasValue('k', '7'))))
@example(And((Text('traceback'), Text('file "x"'))))
@example(And((Text('a'), Not(Text('a')))))
@settings(max_examples=60)
def test_the_store_finds_what_the_live_filter_finds(found_by, tree):
    question = Question(tree)
    wanted = [message for message in MESSAGES if question.matches(message)]
    assert named(found_by(question)) == named(wanted)


@given(trees)
@example(Text('hunter'))
@example(Text('redacted'))
@example(Text('password'))
@example(Not(Text('hunter7')))
@settings(max_examples=40)
def test_where_secrets_are_hidden_nothing_is_left_out_that_is_found_without_them(found_by, tree):
    question = Question(tree)
    candidates = set(named(found_by(question, hidden=MARKS)))
    for message in MESSAGES:
        if question.matches(redacted(message)):
            assert named([message])[0] in candidates


def redacted(message: Message) -> Message:
    changed = Scan(RULES).changes(list(message.lines))
    return Message(tuple(changed.get(index, line) for index, line in enumerate(message.lines)), message.level)


RULES = Rules()


@pytest.mark.parametrize('typed', ['', 'a', 'level:error', 'k:>5'])
def test_a_search_that_goes_on_from_a_place_gives_what_was_left(found_by, typed):
    question = parse(typed)
    every = named(found_by(question))
    for count in (1, len(every) // 2, len(every)):
        first = [message for message in MESSAGES if question.matches(message)][:count][-1].lines[0]
        seq = next(index for index, row in enumerate(in_order_of_arrival()) if row is first)
        assert named(found_by(question, before=Place(first.timestamp, seq))) == every[count:]


def in_order_of_arrival() -> list[LogLine]:
    return [
        row
        for start in range(0, LINES, 50)
        for one in (WEB, API)
        for row in ROWS[start : start + 50]
        if row.container is one
    ]


async def test_a_search_says_how_far_it_has_come_and_stops_when_it_is_closed(store):
    for round_ in range(3):
        await store.append(WEB.service, lines_of(WEB, 3_000, start=START + round_ * 10**10, text='GET {} INFO'))
        await store.seal()
    steps = [found async for found in store.messages.run(parse('get'), Wanted())]
    assert sum(len(found.messages) for found in steps) == 9_000
    assert [found.done for found in steps] == sorted(found.done for found in steps)
    assert (steps[-1].done, steps[-1].back_to) == (steps[-1].total, None)
    assert all(before.back_to >= after.back_to for before, after in pairwise(steps[:-1]))
    running = store.messages.run(parse('get'), Wanted())
    assert len((await anext(running)).messages) > 500
    await running.aclose()


async def test_a_search_goes_on_when_what_it_searches_is_sealed_merged_or_forgotten_meanwhile(store):
    for round_ in range(4):
        await store.append(
            WEB.service, lines_of(WEB, 2_000, start=START + round_ * 10**10, text='line {} of ' + str(round_))
        )
        if round_ < 3:
            await store.seal()
    await store.flush()
    found = []
    async for step in store.messages.run(parse('line'), Wanted()):
        if not found:
            await store.seal()
            await store.purge(before=START + 10**10)
        found += [message.lines[0].record for message in step.messages]
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found)) == 6_000


async def test_only_the_asked_services_and_times_are_searched(store):
    for one in (WEB, API):
        await store.append(one.service, lines_of(one, 10))
    await store.seal()
    wanted = Wanted([API.service], START + 3_000_000, START + 5_000_000)
    found = [message async for step in store.messages.run(parse('line'), wanted) for message in step.messages]
    assert [message.lines[0].text for message in found] == ['line 5', 'line 4', 'line 3']
    assert {message.lines[0].container.service for message in found} == {API.service}
