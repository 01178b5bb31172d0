"""What the demo's four services say: access logs, JSON, logfmt, PostgreSQL's own, traces, ANSI colours, a burst."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dashboard.model import SECOND, Stream


@dataclass(frozen=True, slots=True)
class DemoLine:
    """One line to be; ``timestamp`` in nanoseconds since the epoch."""

    timestamp: int
    text: str
    stream: int = Stream.STDOUT


Speaker = Callable[[random.Random], list[tuple[str, Stream]]]


@dataclass(frozen=True, slots=True)
class DemoService:
    """A service: how often it has something to say, a second and container, and what."""

    name: str
    rate: float
    speak: Speaker
    containers: int = 1
    health: str = 'none'
    restarts: bool = False

    def between(self, chance: random.Random, start: int, end: int) -> Iterator[DemoLine]:
        """What is said from ``start`` to ``end``, in nanoseconds since the epoch."""
        moment = start + int(chance.expovariate(self.rate) * SECOND)
        while moment < end:
            for text, stream in self.speak(chance):
                yield DemoLine(moment, text, stream)
                moment = min(moment + 40_000, end - 1)
            moment += int(chance.expovariate(self.rate) * SECOND)


def _web(chance: random.Random) -> list[tuple[str, Stream]]:
    route = chance.choice(['/', '/cart', '/api/orders', '/api/orders/4711', '/static/app.css', '/search?q=caf%C3%A9'])
    status = chance.choices([200, 304, 404, 500], [88, 6, 4, 2])[0]
    agent = chance.choice(['Mozilla/5.0 (X11; Linux x86_64)', 'curl/8.5.0', 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0)'])
    address = f'203.0.113.{chance.randrange(1, 255)}'
    line = f'{address} - - "GET {route} HTTP/1.1" {status} {chance.randrange(120, 48_000)} "-" "{agent}"'
    said = [(line, Stream.STDOUT)]
    if status == 500:
        said.append((f'[error] 29#29: upstream prematurely closed connection, client: {address}', Stream.STDERR))
    return said


def _api(chance: random.Random) -> list[tuple[str, Stream]]:
    level = chance.choices(['info', 'debug', 'warning', 'error'], [80, 12, 6, 2])[0]
    entry = {
        'level': level,
        'message': chance.choice(['order placed', 'payment authorised', 'stock reserved', 'session renewed']),
        'request': {'id': f'{chance.getrandbits(48):012x}', 'user': chance.choice(['zoë', 'åke', 'mei', 'ivan'])},
        'ms': round(chance.expovariate(1 / 40), 1),
    }
    said = [(json.dumps(entry, ensure_ascii=False), Stream.STDOUT)]
    if level == 'error':
        said += [(line, Stream.STDERR) for line in TRACE]
    return said


def _worker(chance: random.Random) -> list[tuple[str, Stream]]:
    job = chance.randrange(1_000, 9_999)
    if chance.random() < 0.002:
        return [(f'\x1b[36mDEBUG\x1b[0m job {job} row {row} of 2000 checked', Stream.STDOUT) for row in range(2_000)]
    if chance.random() < 0.001:
        return [(f'\x1b[35mTRACE\x1b[0m job {job} payload ' + 'ab12 ' * 600, Stream.STDOUT)]
    if chance.random() < 0.01:
        return [(line.format(job=job), Stream.STDERR) for line in JAVA_TRACE]
    if chance.random() < 0.2:
        return [(_scheduled(chance, job), Stream.STDOUT)]
    kind, colour = chance.choices([('INFO', 32), ('DONE', 34), ('WARN', 33)], [70, 22, 8])[0]
    shade = chance.randrange(17, 230)
    text = f'\x1b[1;{colour}m{kind}\x1b[0m job \x1b[38;5;{shade}m{job}\x1b[0m {chance.choice(_JOBS)}'
    return [(text, Stream.STDERR if kind == 'WARN' else Stream.STDOUT)]


def _scheduled(chance: random.Random, job: int) -> str:
    level, words = chance.choice(_SCHEDULED)
    took = round(chance.expovariate(1 / 300))
    return f'level={level} msg="{words}" job={job} queue={chance.choice(_QUEUES)} attempt=1 took={took}'


def _db(chance: random.Random) -> list[tuple[str, Stream]]:
    values = {'ms': chance.randrange(1, 900), 'order': chance.randrange(1_000, 9_999)}
    process = chance.randrange(60, 99)
    return [(f'[{process}] {line.format(**values)}', Stream.STDERR) for line in chance.choices(_STATEMENTS, _OFTEN)[0]]


TRACE = (
    'Traceback (most recent call last):',
    '  File "/app/orders.py", line 87, in place',
    '    receipt = payments.charge(order.total)',
    '  File "/app/payments.py", line 41, in charge',
    '    raise PaymentDeclined(answer.code)',
    'payments.PaymentDeclined: 51 insufficient funds',
)
JAVA_TRACE = (
    'ERROR [pool-2-thread-1] shop.mail.Sender: job {job} failed',
    'java.lang.IllegalStateException: the mail server took none of 340 letters',
    *(f'\tat shop.mail.Sender.{name}(Sender.java:{line})' for name, line in (('flush', 88), ('send', 51), ('run', 23))),
    '\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)',
    '\tat java.base/java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:642)',
    '\tat java.base/java.lang.Thread.run(Thread.java:1583)',
    'Caused by: java.net.ConnectException: Connection refused',
    '\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)',
    '\tat java.base/sun.nio.ch.NioSocketImpl.connect(NioSocketImpl.java:592)',
    '\tat shop.mail.Smtp.open(Smtp.java:37)',
    '\t... 6 more',
)
_JOBS = ('thumbnails of 12 pictures', 'mail to 340 readers ✉', 'index rebuilt in \x1b[3m2.4 s\x1b[23m', 'retry in 30 s')
_SCHEDULED = (('info', 'job is due'), ('info', 'job has ended'), ('debug', 'lease renewed'), ('warn', 'job is late'))
_QUEUES = ('mail', 'pictures', 'search')
_STATEMENTS = (
    ('LOG:  checkpoint starting: time',),
    ('LOG:  checkpoint complete: wrote 128 buffers (0.8%); write={ms} ms',),
    ("LOG:  duration: {ms} ms  statement: SELECT * FROM orders WHERE placed > now() - interval '1 day'",),
    ('LOG:  automatic vacuum of table "shop.public.orders": index scans: 1, elapsed {ms} ms',),
    (
        'ERROR:  duplicate key value violates unique constraint "orders_pkey"',
        'DETAIL:  Key (id)=({order}) already exists.',
        'STATEMENT:  INSERT INTO orders (id, total) VALUES ({order}, 25)',
    ),
    (
        'ERROR:  deadlock detected',
        'DETAIL:  Process 71 waits for ShareLock on transaction {order}; blocked by process 68.',
        'HINT:  See server log for query details.',
    ),
)
_OFTEN = (5, 5, 5, 5, 1, 1)
DEMO_SERVICES = (
    DemoService('web', 4.0, _web, containers=2),
    DemoService('api', 5.0, _api, health='healthy'),
    DemoService('worker', 3.0, _worker, restarts=True),
    DemoService('db', 0.5, _db, health='healthy'),
)
