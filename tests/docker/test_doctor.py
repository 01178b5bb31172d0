"""``dashboard doctor`` and a real engine, by each way to it."""

from __future__ import annotations

import os

import pytest

from dashboard.config import Settings
from dashboard.doctor import Finding, examine
from tests.support.docker_engine import ssh_is_collected, wait_until

pytestmark = pytest.mark.engine


def findings(tmp_path, **environ: str) -> dict[str, list[Finding]]:
    settings = Settings.from_env({'DASHBOARD_DATA_DIR': str(tmp_path / 'data'), **environ}, port=0)
    found: dict[str, list[Finding]] = {}
    for finding in examine(settings):
        found.setdefault(finding.subject, []).append(finding)
    return found


def engine_is_well(found: dict[str, list[Finding]], address: str) -> None:
    (engine,), (clock,) = found['Engine'], found['Clock']
    assert engine.level == clock.level == 'ok'
    assert engine.words.startswith('Docker Engine ')
    assert address in engine.words


def test_logs_that_cannot_be_read_are_named_with_their_driver_and_those_that_can_are_not(tmp_path, run_container):
    off = {'syslog-address': 'udp://127.0.0.1:5514', 'cache-disabled': 'true'}
    cached = {'syslog-address': 'udp://127.0.0.1:5514'}
    well = [
        run_container(),
        run_container(log_config={'type': 'local', 'config': {}}),
        run_container(log_config={'type': 'syslog', 'config': cached}),
        run_container(tty=True, command='true'),
    ]
    silent = run_container(log_config={'type': 'none', 'config': {}})
    remote = run_container(log_config={'type': 'syslog', 'config': off})
    found = findings(tmp_path)
    engine_is_well(found, 'unix:///var/run/docker.sock')
    logs = found['Logs'][-1]
    assert logs.level == 'problem'
    assert f'{silent.name} (none)' in logs.words
    assert f'{remote.name} (syslog)' in logs.words
    assert 'json-file or local' in logs.words
    assert not [container.name for container in well if container.name in logs.words]


def test_an_engine_on_tcp_is_looked_at(tmp_path, tcp_engine):
    address = f'tcp://127.0.0.1:{tcp_engine()}'
    engine_is_well(findings(tmp_path, DOCKER_HOST=address), address)


@pytest.mark.filterwarnings('ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning')
def test_an_engine_behind_ssh_is_looked_at(tmp_path, ssh_host):
    address = f'ssh://{ssh_host}'
    engine_is_well(findings(tmp_path, DOCKER_HOST=address, PATH=os.environ['PATH']), address)
    wait_until(ssh_is_collected)
