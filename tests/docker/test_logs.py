"""The engine, really: what DockerEngine says of containers that really log, over every transport."""

from __future__ import annotations

import asyncio
import gc
import ssl
import subprocess
import threading
import time
from contextlib import aclosing

import pytest

from dashboard.config import Settings
from dashboard.engine.docker import DockerEngine
from dashboard.errors import ConfigError, ContainerGone, EngineUnavailable, LogsUnreadable
from dashboard.model import LogLine, Stream
from dashboard.timeline.hub import LogHub
from tests.support.docker_engine import ssh_is_collected, wait_until
from tests.support.until import PATIENCE

pytestmark = pytest.mark.engine
SOCKET = '/var/run/docker.sock'


@pytest.fixture
async def engine():
    engine = DockerEngine({})
    yield engine
    await engine.close()


async def find(engine, container):
    return next(item for item in await engine.containers() if item.id == container.id)


async def read(engine, container, **options):
    found = await find(engine, container)
    return [line async for batch in engine.logs(found, **options) for line in batch]


@pytest.mark.parametrize('tty', [False, True])
async def test_lines_are_whole_whatever_their_length(engine, run_container, tty):
    lengths = (0, 1, 16_383, 16_384, 16_385, 32_768, 40_000)
    command = '; '.join(f'head -c {length} /dev/zero | tr "\\0" x; echo' for length in lengths)
    container = run_container(command=command, tty=tty)
    container.wait()
    assert [len(line.text) for line in await read(engine, container)] == list(lengths)


async def test_streams_endings_and_broken_utf8_are_as_written(engine, run_container):
    container = run_container(
        command=r"echo out; sleep 0.2; echo err >&2; sleep 0.2; printf 'b\377d\n'; printf 'no ending'"
    )
    container.wait()
    lines = await read(engine, container)
    assert [(line.stream, line.text) for line in lines] == [
        (Stream.STDOUT, 'out'),
        (Stream.STDERR, 'err'),
        (Stream.STDOUT, 'b\ufffdd'),
        (Stream.STDOUT, 'no ending'),
    ]
    assert not lines[3].record.endswith(b'\n')


async def test_tail_since_and_until_are_exact_to_the_nanosecond(engine, run_container):
    container = run_container(command='seq 1 1000')
    container.wait()
    lines = await read(engine, container)
    assert [line.text for line in await read(engine, container, tail=3)] == ['998', '999', '1000']
    middle = lines[500]
    since = await read(engine, container, since=middle.timestamp)
    assert since[0].timestamp == middle.timestamp
    assert [line.text for line in since][-1] == '1000'
    until = await read(engine, container, until=middle.timestamp)
    assert until[-1].timestamp == middle.timestamp


async def test_following_gives_new_lines_and_ends_with_the_container(engine, run_container):
    container = run_container(command='echo old; read line; echo "new $line"', stdin_open=True)
    async with aclosing(engine.logs(await find(engine, container), follow=True)) as batches:
        assert [line.text for line in await anext(batches)] == ['old']
        assert await anext(batches) == []
        stdin = container.attach_socket(params={'stdin': 1, 'stream': 1})
        stdin._sock.sendall(b'hello\n')
        assert [line.text for line in await anext(batches)] == ['new hello']
        with pytest.raises(StopAsyncIteration):
            await anext(batches)
        stdin._sock.close()
        stdin.close()


async def test_a_closed_stream_frees_its_thread(engine, run_container):
    container = await find(engine, run_container())
    async with aclosing(engine.logs(container, follow=True)) as batches:
        assert await anext(batches) == []
        assert 'engine-stream' in {thread.name for thread in threading.enumerate()}
    wait_until(lambda: 'engine-stream' not in {thread.name for thread in threading.enumerate()})


async def test_a_driver_that_keeps_nothing_is_said_in_words(engine, run_container):
    container = run_container(log_config={'type': 'none', 'config': {}})
    with pytest.raises(LogsUnreadable, match=r'log driver \(none\) keeps nothing'):
        await read(engine, container)


async def test_a_driver_whose_cache_is_off_is_said_in_words(engine, run_container):
    config = {'syslog-address': 'udp://127.0.0.1:5514', 'cache-disabled': 'true'}
    container = run_container(log_config={'type': 'syslog', 'config': config})
    with pytest.raises(LogsUnreadable, match=r'\(syslog\) keeps nothing'):
        await read(engine, container)


async def test_the_local_driver_is_read(engine, run_container):
    container = run_container(
        command='seq 1 5; head -c 40000 /dev/zero | tr "\\0" x; echo', log_config={'type': 'local'}
    )
    container.wait()
    assert [len(line.text) for line in await read(engine, container)] == [1, 1, 1, 1, 1, 40_000]


async def test_a_removed_container_is_gone(engine, run_container):
    container = run_container(command='echo')
    found = await find(engine, container)
    container.remove(force=True)
    with pytest.raises(ContainerGone):
        [batch async for batch in engine.logs(found)]


async def test_services_are_compose_services_or_containers_by_their_own_name(engine, run_container):
    web = await find(engine, run_container(service='web', project='shop'))
    assert (web.service.project, web.service.name) == ('shop', 'web')
    once = await find(engine, run_container(service='web', labels={'com.docker.compose.oneoff': 'True'}))
    assert (once.service.project, once.service.name) == ('shop', once.name)
    alone = await find(engine, run_container(project=''))
    assert (alone.service.project, alone.service.name) == ('', alone.name)


async def test_health_is_known(engine, run_container):
    check = {'test': ['CMD', 'true'], 'interval': 100_000_000}
    container = run_container(healthcheck=check)
    deadline = time.monotonic() + PATIENCE
    while (await find(engine, container)).health != 'healthy':
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_events_tell_of_starts_and_ends(engine, run_container):
    async with aclosing(engine.events()) as events, asyncio.timeout(PATIENCE):
        assert await anext(events) is None
        container = run_container(command='exit 3')
        seen = {}
        while 'die' not in seen:
            event = await anext(events)
            if event.container_id == container.id:
                seen[event.action] = event
    assert 'start' in seen
    assert seen['die'].attributes['exitCode'] == '3'
    assert seen['die'].attributes['name'] == container.name


async def test_a_restarted_container_loses_and_repeats_nothing(engine, run_container):
    counter = 'n=$(cat /t/n 2>/dev/null || echo 0); while true; do n=$((n+1)); echo $n | tee /t/n; done'
    container = run_container(service='counter', command=counter, volumes=['/t'])
    async with LogHub(DockerEngine({}), Settings()) as hub:
        await hub.asked()
        service = hub.find('counter')
        async with hub.subscribe(service.key, 0) as subscription:
            feed = hub.feed(service.key)

            def seen() -> list[bytes]:
                return [row.record for row in feed.history.slice(0) if isinstance(row, LogLine)]

            for least in (40, 80, 120):
                await asyncio.to_thread(container.restart, timeout=0)
                await asyncio.to_thread(wait_until, lambda least=least: len(seen()) > least, 20)
            await asyncio.to_thread(container.stop, timeout=0)
            logged = [line.record for line in await read(engine, container)]
            await asyncio.to_thread(wait_until, lambda: len(seen()) >= len(logged), 20)
            assert seen() == logged
            assert subscription.take(10)
    assert len(logged) > 100


# every transport


async def follows(environ: dict[str, str], container) -> None:
    """List, follow and stop following by that way to the engine."""
    wait_until(container.logs)
    engine = DockerEngine(environ)
    try:
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(engine.logs(await find(engine, container), follow=True)) as batches,
        ):
            assert [line.text for line in await anext(batches)] == ['over there']
    finally:
        await engine.close()
    wait_until(lambda: 'engine-stream' not in {thread.name for thread in threading.enumerate()})


async def test_an_engine_on_tcp_is_followed(run_container, tcp_engine):
    container = run_container(command='echo over there; sleep 1000')
    await follows({'DOCKER_HOST': f'tcp://127.0.0.1:{tcp_engine()}'}, container)


@pytest.fixture
def certificates(tmp_path):
    """A directory as DOCKER_CERT_PATH wants it, and the server's own pair."""
    shell = """
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=ca
        for who in server client; do
            openssl req -newkey rsa:2048 -nodes -keyout $who-key.pem -out $who.csr -subj /CN=$who
            echo subjectAltName=IP:127.0.0.1 >$who.ext
            openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out $who.pem -extfile $who.ext
        done
        cp client.pem cert.pem; cp client-key.pem key.pem"""
    subprocess.run(['sh', '-ec', shell], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


async def test_an_engine_behind_tls_is_followed_by_a_client_it_knows(run_container, tcp_engine, certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / 'ca.pem')
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates / 'server.pem', certificates / 'server-key.pem')
    container = run_container(command='echo over there; sleep 1000')
    environ = {'DOCKER_HOST': f'tcp://127.0.0.1:{tcp_engine(context)}', 'DOCKER_TLS_VERIFY': '1'}
    await follows({**environ, 'DOCKER_CERT_PATH': str(certificates)}, container)


@pytest.mark.filterwarnings('ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning')
async def test_an_engine_behind_ssh_is_followed(run_container, ssh_host):
    container = run_container(command='echo over there; sleep 1000')
    await follows({'DOCKER_HOST': f'ssh://{ssh_host}'}, container)
    await asyncio.to_thread(wait_until, ssh_is_collected, 30)


def create_context(name: str, host: str) -> None:
    """With the Docker CLI, and use it."""
    subprocess.run(['docker', 'context', 'create', name, '--docker', f'host={host}'], check=True)
    subprocess.run(['docker', 'context', 'use', name], check=True)


async def test_the_current_context_is_where_the_engine_is(tmp_path, monkeypatch, run_container):
    monkeypatch.setenv('DOCKER_CONFIG', str(tmp_path))
    create_context('here', f'unix://{SOCKET}')
    container = run_container(command='echo over there; sleep 1000')
    await follows({}, container)
    engine = DockerEngine({})
    assert engine.address == f'unix://{SOCKET}'
    with pytest.raises(ConfigError, match='no Docker context'):
        DockerEngine({'DOCKER_CONTEXT': 'missing'})


@pytest.mark.filterwarnings('ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize(
    ('address', 'words'),
    [
        ('unix:///nowhere/docker.sock', 'the socket does not exist'),
        ('tcp://127.0.0.1:1', 'nothing listens there'),
        ('tcp://no-such-host.invalid:2375', ''),
    ],
)
async def test_an_engine_that_is_not_there_is_told_with_address_reason_and_advice(address, words):
    engine = DockerEngine({'DOCKER_HOST': address})
    with pytest.raises(EngineUnavailable) as told:
        await engine.containers()
    assert address in str(told.value)
    assert words in told.value.reason
    assert told.value.advice
    del told
    gc.collect()  # the SDK leaves a socket that could not connect to the collector
