"""One line closely: found again by its cursor as its reader may see it, and shown within bounds whatever is in it."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.lines import HasValue, Message, Question, fields_of, none_of, parse
from dashboard.lines.levels import Level
from dashboard.model import SECOND, Cursor, LogLine
from dashboard.pages.logs import details
from dashboard.pages.logs.lookup import Found, find, number_of
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import until

START = 1_767_323_045 * SECOND
HELD, ALL = 1_000, 3_000


@pytest.fixture
async def feed():
    """A feed that holds the last 1,000 of 3,000 lines, and what an administrator and a viewer may see of it."""
    engine = ScriptedEngine()
    web = engine.add('web')
    for number in range(ALL):
        engine.write(web, f'line {number}', timestamp=START + number * SECOND)
    async with LogHub(engine, Settings(history_lines=HELD)) as hub:
        await hub.asked()
        async with hub.subscribe(web.service, ALL) as subscription:
            for index, text in enumerate(('ERROR failed, password=hunter2', '  at main', 'INFO done')):
                engine.write(web, text, timestamp=START + (ALL + index) * SECOND // 1)
            await until(lambda: subscription.feed.history.first > 0)
            await until(lambda: subscription.feed.history.end >= HELD)
            subscription.feed.seen_by = lambda is_admin: View(hub, Visit(identity(is_admin)), Redactor())
            subscription.feed.name = web.short_id
            yield subscription.feed


def identity(is_admin: bool) -> Identity:
    return Identity('x', is_admin, EVERYTHING, '', 'session', 1 << 40)


def cursor(feed, number: int) -> Cursor:
    return Cursor(feed.name, START + number * SECOND)


async def test_a_line_that_is_held_is_found_with_its_message(feed):
    found = await find(feed.seen_by(True), feed, cursor(feed, ALL + 1))
    assert found.line.text == '  at main'
    assert [line.text for line in found.message.lines] == ['ERROR failed, password=hunter2', '  at main']
    assert found.message.level is Level.ERROR


async def test_a_line_that_is_held_no_more_is_read_from_the_engine(feed):
    assert number_of(feed.history, cursor(feed, 1_000)) is None
    found = await find(feed.seen_by(True), feed, cursor(feed, 1_000))
    assert found.line.text == 'line 1000'


@pytest.mark.parametrize('number', [-5, 1_000.5, ALL + 50], ids=['before', 'between', 'after'])
async def test_a_line_that_nobody_has_is_not_found(feed, number):
    assert await find(feed.seen_by(True), feed, Cursor(feed.name, int(START + number * SECOND))) is None
    assert await find(feed.seen_by(True), feed, Cursor('0123456789ab', START + SECOND)) is None


async def test_a_viewer_finds_a_line_without_its_secrets(feed):
    found = await find(feed.seen_by(False), feed, cursor(feed, ALL))
    assert 'hunter2' not in found.line.text
    assert b'hunter2' not in found.message.content


def line(text: str | bytes) -> LogLine:
    return LogLine.of(ScriptedEngine().add('web'), START + 123_456_789, text)


HOSTILE = {
    'a megabyte': json.dumps({'a': 'x' * 1_000_000}),
    'many fields': json.dumps({f'f{number}': number for number in range(5_000)}),
    'deep': '{"a":' * 990 + '1' + '}' * 990,
    'no JSON': '{"a":' * 5_000,
    'markup': '{"<script>alert(1)</script>":"<img src=x onerror=alert(1)>"}',
    'surrogates': '{"a":"\\ud800","b":NaN,"\\udfff":2}',
}


@pytest.mark.parametrize('text', HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_is_shown_within_bounds_and_as_text(text):
    hostile = line(text)
    found = Found(hostile, Message((hostile,), Level.UNKNOWN))
    html = details.facts(found, ZoneInfo('UTC')) + details.table(found) + details.texts(hostile)
    assert len(html) < 300_000
    assert html.count('<tr>') <= details.MOST_FIELDS
    assert '<script' not in html
    assert '<img' not in html
    html.encode()


def test_what_is_left_out_is_counted():
    assert '4,900 more fields' in details.table(found_in(HOSTILE['many fields']))
    assert 'too long to be taken apart' in details.table(found_in(HOSTILE['a megabyte']))
    assert 'more characters: whole in the download' in details.texts(line('x' * 100_000))


def test_json_is_set_out_over_lines_and_what_cannot_be_seen_in_it_is_shown():
    html = details.texts(line('{"a":1,"b":"\x1b[31mred"}'))
    assert '<h3>JSON</h3><pre>{\n  &quot;a&quot;: 1,\n' in html
    assert '\x1b' not in html


def test_utc_is_told_once():
    found = Found(line('x'), Message((line('x'),), Level.INFO))
    assert details.facts(found, ZoneInfo('UTC')).count('2026-01-02') == 1
    assert details.facts(found, ZoneInfo('Asia/Kolkata')).count('2026-01-02') == 2


def test_the_time_is_exact_by_the_clock_of_the_reader():
    assert details.exactly(line('x'), ZoneInfo('Asia/Kolkata')) == '2026-01-02 08:34:05.123456789 IST'


def test_the_service_the_container_the_stream_and_the_level_can_be_asked_for():
    found = Found(line('x'), Message((line('x'),), Level.WARN))
    asked = {name: Question(term).text for name, term in details.fact_terms(found).items()}
    assert asked == {
        'Service': 'service:shop:web',
        'Container': f'container:{found.line.container.name}',
        'Stream': 'stream:stdout',
        'Level': 'level:warn',
    }
    assert all(parse(text).matches(found.message) for text in asked.values())
    assert details.facts(found, ZoneInfo('UTC')).count('<button') == 8


@pytest.mark.parametrize(
    ('project', 'service', 'asked'),
    [('', 'web', 'service:web'), ('shop', 'a OR b', ''), ('<b>', 'web', ''), ('', 'x' * 500, '')],
)
def test_a_service_is_asked_for_by_a_question_that_can_be_typed(project, service, asked):
    one = LogLine.of(ScriptedEngine().add(service, project=project, name='one'), START, 'x')
    found = Found(one, Message((one,), Level.INFO))
    terms = details.fact_terms(found)
    assert (Question(terms['Service']).text if 'Service' in terms else '') == asked
    assert '<b>' not in details.facts(found, ZoneInfo('UTC'))


def found_in(*texts: str) -> Found:
    lines = tuple(line(text) for text in texts)
    return Found(lines[-1], Message(lines, Level.UNKNOWN))


def asked(found: Found) -> list[HasValue | None]:
    return details.terms(fields_of(found.line.content).items, found)


def test_a_field_is_asked_for_by_its_value_as_it_is_seen():
    said = {'A b': 'x', 'e': '', 'n': None, 's': ' x ', 'two': 'a\nb', 'red': '\x1b[31mred\x1b[0m', 't.$date': 1.5}
    assert asked(found_in(json.dumps(said))) == [
        HasValue('a b', 'x'), HasValue('e', ''), HasValue('n', 'null'), HasValue('s', 'x'), HasValue('two', 'a␊b'),
        HasValue('red', 'red'), HasValue('t.$date', '1.5'),
    ]  # fmt: skip


def test_no_button_asks_for_what_would_not_find_the_line():
    long = found_in(
        json.dumps({'msg': 'x' * 500, 'a\nb': 1, 'k' * 300: 1, '\ud800': 1, 'x': float('nan'), 'y': '\ud800'})
    )
    assert asked(long) == [*[None] * 5, HasValue('y', '\ufffd')]
    assert asked(found_in('ERROR failed', '    at work user=bob')) == [None], 'of a message its first line is asked'
    html = details.table(long)
    assert html.count('data-do="copy"') == 6
    assert html.count('data-do="without"') == 1


def test_nothing_else_is_hidden_with_an_empty_value():
    (term,) = asked(found_in('{"e":""}'))
    without = parse('').with_term(none_of(term))
    assert without.text == '-e:""'
    kept = [line('the name: x'), line('{"e":"1"}'), line('{"E":0}'), line('name:""')]
    assert without.select([line('{"e":""}'), *kept]) == kept


texts = st.text(max_size=6) | st.lists(st.sampled_from('a"\\\n\r\b\x1b[31m:*>/-( .é'), max_size=8).map(''.join)


@given(st.dictionaries(texts, texts | st.integers() | st.booleans() | st.none() | st.floats(), max_size=4))
@settings(max_examples=150, deadline=None)
def test_what_a_button_asks_can_be_typed_and_finds_the_line(said):
    found = found_in(json.dumps(said))
    for term in filter(None, asked(found)):
        for question in (parse('"a b" OR c').with_term(term), parse('/x/ @l:E /y/').with_term(none_of(term))):
            assert parse(question.text) == question
        assert parse(parse('').with_term(term).text).select([found.line]) == [found.line]
        assert not parse(parse('').with_term(none_of(term)).text).select([found.line])
