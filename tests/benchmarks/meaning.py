"""How many lines a second one core understands: their levels, fields and messages, questions of them, their secrets.

Each figure stands beside one of Python's own that does a simpler thing with the same lines, measured in turn with it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial

from dashboard.app import tune_garbage_collection
from dashboard.lines import Grouper, fields_of_lines, levels_of, parse
from dashboard.model import SECOND, Container, LogLine, ServiceKey
from dashboard.view.scan import Scan
from dashboard.view.secrets import Rules

START = 1_767_323_045 * SECOND
WEB = Container('a' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
Figure = tuple[str, float, str, float]  # what, lines a second, beside what, lines a second

QUESTIONS = {
    'a text': 'connection refused',
    'an expression': r'/refused\W.*upstream$/',
    'a field': 'status:>=500',
    'a level': 'level:>=warn',
    'several': 'level:error -status:404 (order OR pool)',
}
MIX = [  # as they come from a host: JSON, an application's own lines, a proxy's, a database's, a trace
    b'{"level":"info","ts":1767323045.678,"caller":"http/server.go:88","msg":"request done","request":{"id":"4f1e",'
    b'"method":"GET","path":"/api/orders/4711"},"status":200,"duration":0.0123}',
    b'{"timestamp":"2026-01-02T03:04:05.678Z","level":"ERROR","logger":"shop.orders","message":"no stock","id":4711}',
    b'2026-01-02T03:04:05.678Z  INFO 1 --- [nio-8080-exec-1] c.e.shop.OrderController : order 4711 of customer 12',
    b'2026-01-02 03:04:05,678 - shop.worker - WARNING - retrying in 5 s, attempt 3 of 10',
    b'2026-01-02 03:04:05,678 DEBUG [pool-3-thread-1] com.example.cache.Cache: 17 entries evicted in 3 ms',
    b'172.18.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /api/orders/4711 HTTP/1.1" 200 612 "-" "Mozilla/5.0 (X11)"',
    b'2026-01-02 03:04:05.678 UTC [88] app@shop ERROR:  duplicate key value violates unique constraint "orders_pkey"',
    b'2026/01/02 03:04:05 [error] 29#29: *7 connect() failed (111: Connection refused) while connecting to upstream',
    b'time="2026-01-02T03:04:05Z" level=info msg="container started" id=4f1e0a1b service=web attempt=1 took=12.5ms',
    b'INFO:     172.18.0.1:54321 - "GET /health HTTP/1.1" 200 OK',
    b'    at com.example.shop.OrderService.place(OrderService.java:123)',
    b'Starting the nightly import of 1200 products from the supplier',
]


def figures(seconds: float) -> Iterator[Figure]:
    """Every figure, each measured for about so many seconds."""
    tune_garbage_collection()  # as the server does at its start
    lines = MIX * 400
    plain = ('finding a word in them without case', lambda: _decoded(lines))
    yield 'levels', *_beside(lambda: levels_of(lines), plain, len(lines), seconds)
    objects = [line for line in lines if line.startswith(b'{')]
    parsed = ('parsing them with json', lambda: _parsed(objects))
    rows = [LogLine.of(WEB, START + number * 1_000, line) for number, line in enumerate(lines)]
    yield 'messages', *_beside(lambda: Grouper().feed(rows), plain, len(lines), seconds)
    yield 'fields', *_beside(lambda: fields_of_lines(lines), plain, len(lines), seconds)
    yield 'fields of JSON alone', *_beside(lambda: fields_of_lines(objects), parsed, len(objects), seconds)
    rules = Rules()
    yield 'redaction: lines without a secret', *_beside(lambda: Scan(rules).changes(rows), plain, len(rows), seconds)
    every = [LogLine.of(WEB, START + number, f'{number} password=hunter{number}') for number in range(1_000)]
    secret = ('finding a word in them without case', lambda: _decoded([row.content for row in every]))
    yield 'redaction: a secret in each line', *_beside(lambda: Scan(rules).changes(every), secret, len(every), seconds)
    for name, typed in QUESTIONS.items():
        yield f'question: {name}, `{typed}`', *_beside(partial(parse(typed).select, rows), plain, len(rows), seconds)


def _decoded(lines: list[bytes]) -> int:
    return sum('error' in line.decode().lower() for line in lines)


def _parsed(lines: list[bytes]) -> int:
    return sum(len(json.loads(line)) for line in lines)


def _beside(
    work: Callable[[], object], other: tuple[str, Callable[[], object]], lines: int, seconds: float
) -> tuple[float, str, float]:
    """The best of each, in lines a second of processor time; in turn, so that both meet the same weather."""
    ours, theirs, end = [], [], time.monotonic() + seconds
    while not ours or time.monotonic() < end:
        ours.append(_took(work))
        theirs.append(_took(other[1]))
    return lines / min(ours), other[0], lines / min(theirs)


def _took(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == '__main__':
    for name, rate, reference, reference_rate in figures(2):
        print(f'{name}: {rate:,.0f} lines/s; {reference} {reference_rate:,.0f} lines/s')
