"""What the fixtures promise to the tests that stand on them."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest
from docker.errors import DockerException, NotFound

from tests.support.docker_engine import LABEL, Containers, PrivateEngine, make_tiny_image, wait_until

pytestmark = pytest.mark.engine

COUNTER = 'while true; do echo tick; sleep 0.1; done'


def only(engine: PrivateEngine) -> docker.models.containers.Container:
    (container,) = engine.client().containers.list(all=True)
    return container


def survivors(engine: PrivateEngine) -> list[str]:
    """Command lines and mounts that still speak of the engine's directory."""
    needle = f'{engine.directory}/'
    found = [line for line in Path('/proc/mounts').read_text().splitlines() if needle in line]
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            command = entry.read_text(errors='replace')
        except OSError:
            continue
        found += [command] if needle in command else []
    return found


def running(words: str) -> bool:
    """Whether any process of the machine has these words in its command line."""
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            if words in entry.read_text(errors='replace'):
                return True
        except OSError:
            continue
    return False


def test_a_container_is_labelled_as_compose_does_and_runs_its_text_in_a_shell(run_container):
    container = run_container(service='api', project='shop', command='echo "$((6 * 7))"')
    container.wait()
    assert container.logs() == b'42\n'
    assert container.labels['com.docker.compose.project'] == 'shop'
    assert container.labels['com.docker.compose.service'] == 'api'


def test_a_container_without_a_project_has_no_labels_of_compose(run_container):
    assert not [name for name in run_container(project='').labels if name.startswith('com.docker.compose')]


def test_containers_of_one_service_have_different_numbers(run_container):
    numbers = [run_container().labels['com.docker.compose.container-number'] for _ in range(2)]
    assert len(set(numbers)) == 2


def test_containers_are_removed_even_when_they_run_or_could_not_start(engine_client):
    containers = Containers(engine_client)
    container = containers(command=COUNTER)
    with pytest.raises(DockerException):
        containers(working_dir='relative')
    with pytest.raises(DockerException):
        containers(entrypoint='no-such-program')
    containers.remove_all()
    with pytest.raises(NotFound):
        container.reload()
    assert engine_client.containers.list(all=True, filters={'label': f'{LABEL}={containers.mark}'}) == []


def test_the_small_image_is_made_once(engine_client, tiny_image):
    image = engine_client.images.get(tiny_image)
    assert make_tiny_image(engine_client) == tiny_image
    assert engine_client.images.get(tiny_image).id == image.id


def test_two_private_engines_live_side_by_side_and_apart_from_that_of_the_machine(engine_client, private_engine):
    first, second = private_engine(), private_engine()
    Containers(first.client())(name='only-here')
    assert [container.name for container in first.client().containers.list()] == ['only-here']
    assert second.client().containers.list() == []
    with pytest.raises(NotFound):
        engine_client.containers.get('only-here')


def test_a_private_engine_leaves_the_network_of_the_machine_alone(private_engine):
    before = Path('/proc/net/dev').read_text().count(':')
    private_engine()
    assert Path('/proc/net/dev').read_text().count(':') == before


def test_containers_end_with_an_engine_that_is_stopped_and_stay_known(private_engine):
    engine = private_engine()
    Containers(engine.client())(command=f'{COUNTER} # stopped')
    wait_until(lambda: b'tick' in only(engine).logs(), message='it logs nothing')
    engine.stop()
    assert not engine.answers()
    assert not running(f'{COUNTER} # stopped')
    engine.start()
    assert only(engine).status == 'exited'
    assert b'tick' in only(engine).logs()


@pytest.mark.parametrize('end', [PrivateEngine.stop, PrivateEngine.kill], ids=['stop', 'kill'])
def test_containers_outlive_an_engine_that_restores_them(private_engine, end):
    engine = private_engine('--live-restore')
    Containers(engine.client())(command=COUNTER)
    end(engine)
    engine.start()
    assert only(engine).status == 'running'
    lines = only(engine).logs().count(b'\n')
    wait_until(lambda: only(engine).logs().count(b'\n') > lines + 2, message='it logs no more')


def test_containers_of_a_killed_engine_run_on_until_it_starts_again(private_engine):
    engine = private_engine()
    Containers(engine.client())(command=f'{COUNTER} # killed')
    engine.kill()
    assert running(f'{COUNTER} # killed')
    engine.start()
    assert only(engine).status == 'exited'
    assert not running(f'{COUNTER} # killed')


def test_a_frozen_engine_takes_connections_and_answers_when_it_is_thawed(private_engine):
    engine = private_engine()
    client = engine.client()
    client.api.timeout = 0.5
    engine.freeze()
    with pytest.raises(Exception, match='timed out'):
        client.ping()
    engine.thaw()
    assert client.ping()


@pytest.mark.parametrize('options', [(), ('--live-restore',)], ids=['plain', 'live-restore'])
@pytest.mark.parametrize(
    'last', [PrivateEngine.answers, PrivateEngine.stop, PrivateEngine.kill, PrivateEngine.freeze],
    ids=['running', 'stopped', 'killed', 'frozen'],
)  # fmt: skip
def test_nothing_is_left_of_a_private_engine_whatever_was_done_to_it(private_engine, options, last):
    engine = private_engine(*options)
    mark = f'{COUNTER} # {engine.directory.name}.'
    Containers(engine.client())(command=mark)
    last(engine)
    engine.close()
    wait_until(lambda: not survivors(engine) and not running(mark), message=f'left: {survivors(engine) or mark}')
