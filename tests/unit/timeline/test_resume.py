"""Cursors over HTTP and WebSocket: what follows a line, no line twice, none missing."""

from __future__ import annotations

from importlib import import_module

import pytest

from dashboard.model import SECOND, Gap, LogLine
from dashboard.timeline.resume import LATE, LOOK, TOO_LATE, Lateness, Resume
from tests.unit.api.test_logs import START, client, engine, product, web  # noqa: F401 - fixtures


def cursor(container, number: int) -> str:
    return f'{START + number * SECOND}-0-{container.short_id}'


def test_http_gives_what_follows_a_cursor(web, client):  # noqa: F811
    answer = client.get(f'/api/logs/web?timestamps=false&since={cursor(web, 17)}').json()
    assert answer['logs'] == ['18', '19', '20']


def test_http_gives_what_was_written_after_the_clock_was_set_back(engine, web, client):  # noqa: F811
    for number in range(5):
        engine.write(web, f'back {number}', timestamp=START - 60 * SECOND + number)
    answer = client.get(f'/api/logs/web?timestamps=false&since={cursor(web, 19)}').json()
    assert answer['logs'] == ['20', *(f'back {number}' for number in range(5))]
    assert 'gaps' not in answer


def test_http_tells_of_no_gap_after_a_cursor_that_is_later_than_what_is_asked_for(web, client):  # noqa: F811
    until = (START + 10 * SECOND) // SECOND
    answer = client.get(f'/api/logs/web?timestamps=false&since={cursor(web, 17)}&until={until}').json()
    assert (answer['logs'], 'gaps' in answer) == ([], False)


def test_http_tells_of_a_gap_when_the_line_of_the_cursor_is_gone(engine, web, client):  # noqa: F811
    engine.rotate(web, kept=5)
    answer = client.get(f'/api/logs/web?timestamps=false&since={cursor(web, 3)}').json()
    assert answer['logs'] == ['16', '17', '18', '19', '20']
    assert [(gap['type'], gap['missed']) for gap in answer['gaps']] == [('gap', None)]


def test_http_tells_of_what_a_tail_leaves_out_after_a_cursor(web, client):  # noqa: F811
    answer = client.get(f'/api/logs/web?timestamps=false&tail=2&since={cursor(web, 15)}').json()
    assert answer['logs'] == ['19', '20']
    assert [gap['missed'] for gap in answer['gaps']] == [3]


def test_a_download_gives_what_follows_a_cursor(web, client):  # noqa: F811
    assert client.get(f'/api/logs/web/download?since={cursor(web, 18)}').text == '19\n20\n'


@pytest.mark.parametrize('last', [1, 10, 19, 20])
def test_a_websocket_resumes_after_a_cursor(engine, web, client, last):  # noqa: F811
    url = f'/api/logs/ws/web?token={client.token}&since={cursor(web, last)}'
    with client.websocket_connect(url) as socket:
        assert [socket.receive_json()['content'] for _ in range(20 - last)] == [str(n) for n in range(last + 1, 21)]
        engine.write(web, 'new', timestamp=START + 30 * SECOND)
        assert socket.receive_json()['content'] == 'new'


def test_a_websocket_resumes_after_a_line_that_only_the_engine_still_has(engine, web, client):  # noqa: F811
    engine.write_many(web, [f'more {number}' for number in range(12_000)])
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&batch=1&since={cursor(web, 19)}') as socket:
        contents = []
        while len(contents) < 12_001:
            contents += [message['content'] for message in socket.receive_json()]
        engine.write(web, 'new')
        assert [message['content'] for message in socket.receive_json()] == ['new']
    assert contents == ['20', *(f'more {number}' for number in range(12_000))]


def test_a_websocket_is_told_when_the_line_to_resume_after_is_gone(engine, web, client):  # noqa: F811
    engine.rotate(web, kept=5)
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&since={cursor(web, 3)}') as socket:
        gap = socket.receive_json()
        assert (gap['type'], gap['missed']) == ('gap', None)
        assert [socket.receive_json()['content'] for _ in range(5)] == ['16', '17', '18', '19', '20']


def test_a_websocket_refuses_what_is_no_cursor_in_words(web, client):  # noqa: F811
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&since=yesterday') as socket:
        assert 'is not a cursor' in socket.receive_json()['message']


# a stream that cannot keep up


class Clock:
    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr('dashboard.timeline.resume.time.time_ns', clock)
    return clock


def feed(lateness, clock, web, ages, lines=20_000):  # noqa: F811
    results = []
    for age in ages:
        clock.now += LOOK
        results.append(lateness.grows([LogLine.of(web, clock.now - age, 'x')] * lines))
    return results


def test_a_stream_that_falls_ever_further_behind_is_noticed(engine, web, clock):  # noqa: F811
    assert True in feed(Lateness(50_000), clock, web, [0, LATE // 2, LATE + 1, LATE + 2])


def test_a_burst_that_the_history_can_hold_is_not_taken_for_a_stream_that_cannot_keep_up(engine, web, clock):  # noqa: F811
    lateness = Lateness(50_000)
    assert not lateness.grows([LogLine.of(web, clock.now, 'x')])
    written = clock.now + LOOK
    clock.now += 2 * LATE  # the engine pauses, and then gives all of it at once
    for _ in range(17):
        clock.now += LOOK // 15
        assert not lateness.grows([LogLine.of(web, written, 'x')] * 1_000)


def test_a_stream_that_catches_up_is_left_alone(engine, web, clock):  # noqa: F811
    assert True not in feed(Lateness(50_000), clock, web, range(60 * SECOND, 0, -SECOND))


def test_a_pause_that_is_made_up_for_is_left_alone_at_any_rate(engine, web, clock):  # noqa: F811
    assert True not in feed(Lateness(50_000), clock, web, [0, 0, 2 * LATE, LATE + 1, LATE // 2, 0], lines=100_000)


def test_a_clock_that_is_wrong_is_no_lateness(engine, web, clock):  # noqa: F811
    assert True not in feed(Lateness(50_000), clock, web, [3_600 * SECOND] * 20)


def test_a_late_stream_that_the_history_can_hold_is_left_alone(engine, web, clock):  # noqa: F811
    assert True not in feed(Lateness(50_000), clock, web, range(0, 10 * SECOND, SECOND), lines=10)


def test_a_leap_passes_what_is_new_after_a_gap(engine, web):  # noqa: F811
    lines = numbered(web, 10)
    gap, *rest = Resume(lines[1].cursor, lines[-1], 5, TOO_LATE).sift(lines[5:])
    assert (gap.start, gap.end, gap.lost) == (lines[1].timestamp, lines[5].timestamp, False)
    assert rest == lines[5:]


def test_a_leap_that_misses_nothing_tells_no_gap(engine, web):  # noqa: F811
    lines = numbered(web, 10)
    assert Resume(lines[6].cursor, lines[-1], 5, TOO_LATE).sift(lines[5:]) == lines[7:]


# where the last line is looked for


def numbered(web, count):  # noqa: F811
    return [LogLine.of(web, START + number * 1_000, str(number)) for number in range(count)]


def test_an_engine_that_pauses_before_the_last_line_has_come_is_waited_for(web):  # noqa: F811
    lines = numbered(web, 10)
    resume = Resume(lines[5].cursor, lines[-1])
    assert resume.sift(lines[:3]) == []
    assert resume.sift([]) == [], 'silence proves nothing'
    assert resume.sift(lines[3:]) == lines[6:]


def test_when_all_that_was_logged_has_come_without_the_last_line_that_is_a_gap(web):  # noqa: F811
    lines = numbered(web, 10)
    resume = Resume(lines[2].cursor, lines[7])
    assert resume.sift(lines[4:6]) == []
    gap, *later = resume.sift(lines[6:8])
    assert isinstance(gap, Gap)
    assert gap.lost
    assert later == lines[4:8]
    assert resume.sift(lines[8:]) == lines[8:]


def test_lines_that_were_logged_after_the_clock_was_set_back_follow(web):  # noqa: F811
    lines = numbered(web, 5) + [LogLine.of(web, START - 60 * SECOND + number, str(number)) for number in range(5)]
    assert Resume(lines[3].cursor, lines[-1]).sift(lines) == lines[4:]
    gone = Resume(lines[3].cursor, lines[-1])
    assert gone.sift(lines[6:])[1:] == lines[6:], 'what is left when the line was rotated away is newer'


def test_a_line_among_those_of_one_timestamp_is_sought_in_more_of_the_log_when_its_place_is_unsure(web):  # noqa: F811
    lines = [LogLine(web, 1, LogLine.of(web, START, 'tick\n').record, ordinal) for ordinal in range(6)]
    cut = [LogLine(web, 1, line.record, ordinal) for ordinal, line in enumerate(lines[3:])]
    resume = Resume(lines[1].cursor, cut[-1], tail=3)
    assert resume.sift(cut)
    assert resume.failed
    assert Resume(lines[1].cursor, lines[-1]).sift(lines) == lines[2:]


def test_the_first_line_of_a_whole_log_is_found_in_a_tail_that_is_longer(web):  # noqa: F811
    lines = [LogLine.of(web, START + number * SECOND, str(number)) for number in range(10)]
    resume = Resume(lines[0].cursor, None, tail=100)
    assert resume.sift(lines[:4]) == [], 'a tail may begin in the middle of lines of one timestamp'
    assert resume.sift(lines[4:]) == []
    assert resume.finish() == lines[1:]
    assert resume.found
    shorter = Resume(lines[0].cursor, None, tail=10)
    assert not shorter.sift(lines)
    assert isinstance(shorter.finish()[0], Gap), 'the log may have more than was asked for'


def test_a_part_of_a_log_is_not_taken_for_all_of_it(web):  # noqa: F811
    first, *lines = [LogLine.of(web, START + number * SECOND, str(number)) for number in range(10)]
    resume = Resume(first.cursor, None, tail=100, reason=TOO_LATE)
    gap = resume.sift(lines[2:5])[0]
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.lost, resume.was_all) == (TOO_LATE, False, False)


def test_in_a_log_that_was_empty_all_that_comes_is_new(web):  # noqa: F811
    lines = numbered(web, 3)
    assert Resume(lines[2].cursor, None, tail=0).sift(lines[:1])[1:] == lines[:1]


def test_what_is_held_while_the_last_line_is_sought_is_bounded_in_bytes(engine, web, monkeypatch):  # noqa: F811
    monkeypatch.setattr(import_module('dashboard.timeline.pieces'), 'HELD_BYTES', 10_000)
    lines = [LogLine.of(web, START + number * SECOND, 'x' * 1_000) for number in range(30)]
    resume = Resume(lines[0].cursor, LogLine.of(web, START + 100 * SECOND, 'this was the newest one'))
    assert resume.sift(lines[1:]) == []
    gap, *rest = resume.finish()
    assert 5 < len(rest) < 10
    assert rest == lines[-len(rest) :]
    assert (gap.start, gap.end) == (lines[0].timestamp, rest[0].timestamp)
