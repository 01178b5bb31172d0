"""What tests share."""

from __future__ import annotations

import gc

import docker
import pytest
from docker.errors import DockerException

from tests.support.docker_engine import Containers, PrivateEngine, make_tiny_image


@pytest.fixture(scope='session')
def engine_client():
    """The machine's own engine, found as the Docker CLI finds it."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:  # a failure and not a skip: nobody would see what was not tested
        pytest.fail(f'no Docker engine answers, `sh tests/run` starts one: {error}', pytrace=False)
    yield client
    client.close()


@pytest.fixture(scope='session')
def tiny_image(engine_client):
    """The name of a small image with busybox."""
    return make_tiny_image(engine_client)


@pytest.fixture
def run_container(engine_client):
    """Starts labelled containers; see :class:`Containers`."""
    containers = Containers(engine_client)
    yield containers
    containers.remove_all()


@pytest.fixture
def private_engine(tmp_path_factory):
    """Starts engines that the test may stop, kill and freeze: ``private_engine('--live-restore')``."""
    engines = []

    def start(*options: str) -> PrivateEngine:
        engines.append(PrivateEngine(tmp_path_factory.mktemp('engine'), *options))
        return engines[-1].start()

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture
def quick(monkeypatch):
    """A hub that tries again and looks again almost at once, for tests of what it does then and not of when."""
    for delay in ('watch.FIRST_DELAY', 'reader.FIRST_DELAY', 'watch.GATHER'):
        monkeypatch.setattr(f'dashboard.timeline.{delay}', 0.01)


def pytest_collection_finish():
    """What was imported stays: no search for garbage goes through it again, at every full collection and at the end."""
    gc.freeze()
