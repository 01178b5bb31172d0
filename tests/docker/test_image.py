"""The container image: built by the classic builder, run as the documents say, on the machine's own engine."""

from __future__ import annotations

import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.support.compose import advised_by_command, advised_by_compose
from tests.support.docker_engine import LABEL, wait_until
from tests.support.server import free_port
from tests.support.until import PATIENCE
from tests.unit.test_supply import RUNTIME, pins

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
BASE = 'docker-log-dashboard/base:1'
IMAGE = 'docker-log-dashboard/test:latest'
LIST = """
import glob, re
from importlib.metadata import distributions
for item in distributions(path=glob.glob('/opt/dashboard/lib/python3.*/site-packages')):
    print(re.sub(r'[-_.]+', '-', item.metadata['Name']).lower() + '==' + item.version)
"""
CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'


@pytest.fixture(scope='module')
def base_image(engine_client, tmp_path_factory):
    """A small Debian with Python: no registry of images is asked, and pip in it is set up as on this machine."""
    if not engine_client.images.list(BASE):
        root = tmp_path_factory.mktemp('base')
        packages = 'python3,python3-venv,ca-certificates'
        run('debootstrap', '--variant=minbase', f'--include={packages}', codename(), str(root))
        settings = pip_settings()
        (root / 'etc/pip.conf').write_text('[global]\n' + ''.join(f'{name} = {settings[name]}\n' for name in settings))
        copy_into(root, Path(settings['cert']))
        archive = subprocess.Popen(['tar', '-c', '-C', str(root), '.'], stdout=subprocess.PIPE)
        run('docker', 'import', '-', BASE, stdin=archive.stdout)
        archive.stdout.close()
        assert archive.wait() == 0
    return BASE


@pytest.fixture(scope='module')
def image(engine_client, base_image):
    options = ['--network', 'host', '--build-arg', f'BASE={base_image}', '--label', f'{LABEL}=1']
    run('docker', 'build', *options, '-t', IMAGE, str(ROOT), env={**os.environ, 'DOCKER_BUILDKIT': '0'})
    yield IMAGE
    engine_client.images.prune({'dangling': True, 'label': f'{LABEL}=1'})  # that of the run before


@pytest.fixture(scope='module')
def running(engine_client, image):
    """The service of the README's compose file, but for the network: this engine may have no bridge."""
    port, volume = free_port(), engine_client.volumes.create(labels={LABEL: '1'})
    options = advised_by_compose()
    del options['ports']
    container = engine_client.containers.run(
        image,
        detach=True,
        network_mode='host',
        environment={'DASHBOARD_PORT': str(port), 'DASHBOARD_HOST': '127.0.0.1'},
        healthcheck={'test': ['CMD', 'dashboard', 'health'], 'interval': 1_000_000_000, 'timeout': 4_000_000_000},
        labels={LABEL: '1'},
        **options | {'volumes': [bind.replace('logs-data', volume.name) for bind in options['volumes']]},
    )
    container.port = port
    try:
        wait_until(lambda: health(container) == 'healthy', message=container.logs().decode())
        yield container
    finally:
        container.remove(force=True, v=True)
    volume.remove()


def test_compose_and_the_command_line_start_the_same_container():
    assert advised_by_command() == advised_by_compose()
    assert advised_by_compose()['ports'] == {'9000/tcp': ('127.0.0.1', 9000)}


def test_users_are_made_in_the_container_as_anywhere(running):
    wait_until(lambda: b'Set-up code' in running.logs())
    assert running.exec_run(['sh', '-c', 'echo a good password | dashboard user add ann']).exit_code == 0
    made = running.exec_run(['dashboard', 'token', 'ann'])
    assert made.output.startswith(b'dld_')


def test_it_is_healthy_and_reaches_the_engine(running):
    wait_until(lambda: health(running) == 'healthy', message=running.logs().decode())
    with urllib.request.urlopen(f'http://127.0.0.1:{running.port}/api/health', timeout=PATIENCE) as answer:
        assert b'"engine":"reachable"' in answer.read()
    assert b'Set-up code' in running.logs()


def test_its_own_health_check_is_the_one_the_image_has(engine_client, image):
    assert engine_client.api.inspect_image(image)['Config']['Healthcheck']['Test'] == ['CMD', 'dashboard', 'health']


def test_it_runs_as_nobody_in_particular_and_cannot_write_its_own_files(running):
    assert running.exec_run('id -u').output.strip() == b'10001'
    assert running.exec_run('touch /opt/dashboard/x').exit_code != 0


def test_it_has_no_rights_beyond_those_of_its_user(running):
    status = dict(line.split(':', 1) for line in running.exec_run('cat /proc/1/status').output.decode().splitlines())
    held = {name: int(status[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')}
    assert held == dict.fromkeys(held, 0)
    assert status['NoNewPrivs'].strip() == '1'


def test_only_its_data_and_tmp_can_be_written(running):
    for path in ('/', '/etc', '/opt/dashboard/lib', '/home', '/var'):
        assert running.exec_run(['touch', f'{path}/x']).exit_code != 0
    for path in ('/data', '/tmp'):
        assert running.exec_run(['sh', '-c', f'touch {path}/x && rm {path}/x']).exit_code == 0
    assert running.exec_run(['stat', '-c', '%a %u', '/data', '/data/secret.key']).output == b'700 10001\n600 10001\n'


def test_it_holds_what_is_locked_and_nothing_to_install_more_with(running):
    listed = running.exec_run(['python3', '-c', LIST]).output.decode()
    installed = dict(line.split('==') for line in listed.split())
    assert installed.pop('docker-log-dashboard')
    assert installed == {name: version for name, version in pins(RUNTIME).items() if name in installed}
    assert not installed.keys() & {'pip', 'setuptools'}
    assert len(installed) > 30


def test_its_doctor_finds_engine_data_and_the_dashboard_well(running):
    wait_until(lambda: health(running) == 'healthy', message=running.logs().decode())
    lines = running.exec_run(['dashboard', 'doctor']).output.decode().splitlines()
    well = {line.split()[1] for line in lines if line.startswith('ok ')}
    assert {'Engine:', 'Clock:', 'Data:', 'Port:'} <= well, lines


def test_it_ends_when_it_is_told_to_and_need_not_be_killed(running):
    running.stop(timeout=10)
    assert running.wait()['StatusCode'] == 0


def health(container) -> str:
    container.reload()
    return container.attrs['State'].get('Health', {}).get('Status', '')


def run(*command: str, **options) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout[-4_000:]


def copy_into(root: Path, file: Path) -> None:
    if file.exists():  # else that of the Debian in it will do
        target = root / file.relative_to('/')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())


def codename() -> str:
    lines = Path('/etc/os-release').read_text().splitlines()
    return next(line.partition('=')[2].strip('"') for line in lines if line.startswith('VERSION_CODENAME='))


def pip_settings() -> dict[str, str]:
    """This machine's own way to its package index, as far as it is not the default."""
    wanted = {'cert', 'index-url', 'extra-index-url', 'trusted-host', 'proxy', 'default-timeout'}
    listed = subprocess.run(['pip', 'config', 'list'], capture_output=True, text=True, check=True).stdout.splitlines()
    entries = (line.split('=', 1) for line in listed if '=' in line)
    settings = {name.rpartition('.')[2]: value.strip("'") for name, value in entries}
    return {'cert': CERTIFICATES} | {name: value for name, value in settings.items() if name in wanted}
