"""Every command that the documents advise is run: here, as it stands there, or by the test that is named for it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.access.accounts import Accounts
from tests.support.documents import DOCUMENTS, ROOT, blocks_of, commands_in
from tests.support.server import PASSWORD, Server
from tests.support.until import PATIENCE

pytestmark = pytest.mark.engine

ELSEWHERE = {  # the commands of examples that are not run as they stand → where they are run
    'sh dashboard/run': 'tests/docker/test_examples.py::test_the_first_commands_start_the_dashboard',
    'sh dashboard/run --demo': 'tests/docker/test_examples.py::test_the_first_commands_start_the_dashboard',
    'export DOCKER_GID=$(stat -c %g /var/run/docker.sock)': 'tests/docker/test_image.py::running',
    'docker compose up -d': 'tests/docker/test_image.py::running',
    'docker compose logs logs': 'tests/docker/test_image.py::test_it_is_healthy_and_reaches_the_engine',
    'docker build -t docker-log-dashboard .': 'tests/docker/test_image.py::image',
    'docker run': 'tests/docker/test_image.py::test_compose_and_the_command_line_start_the_same_container',
    'docker logs logs': 'tests/docker/test_image.py::test_it_is_healthy_and_reaches_the_engine',
    'pip wheel --no-deps --wheel-dir dist .': 'tests/docker/test_wheel.py::wheel',
    'pip install dist/*.whl': 'tests/docker/test_wheel.py::installed',
    'dashboard --demo': 'tests/docker/test_wheel.py::test_the_wheel_works_installed_alone',
    # beside other tests there may be a container whose log cannot be read
    'dashboard doctor': 'tests/docker/test_image.py::test_its_doctor_finds_engine_data_and_the_dashboard_well',
    'sh tests/run': '.ci/run',
    'sh tests/run --fast': 'tests/run',
    'sh tests/run --setup': 'tests/run',
    '.venv/bin/python -m tests.faults': 'tests/faults/test_faults.py',
    '.venv/bin/python -m tests.benchmarks': 'tests/docker/test_examples.py::test_the_benchmarks_take_their_options',
}
STAND_IN = """#!{python}
import os, subprocess, sys
sys.path.insert(0, {root!r})
os.environ['PATH'] = os.environ['PATH'].partition(':')[2]
words = [word.replace('localhost:9000', '127.0.0.1:{port}') for word in sys.argv[1:]]
"""
STAND_INS = {
    # as it is, but an answer that is an error ends the example
    'curl': "os.execvp('curl', ['curl', '--fail-with-body', '--silent', '--show-error', *words])",
    # as it is, up to the first message
    'wscat': 'from tests.support.wscat import wscat\n'
    "assert words[0] == '-c' and len(words) == 2\n"
    'messages, said = wscat(words[1], 1)\n'
    'print(messages or said)\n'
    'sys.exit(not messages)',
    # wscat is there, from the same registry of packages: nothing is fetched again
    'npm': "assert words == ['install', '-g', 'wscat']",
    # as it is, with a password typed where it asks for one
    'dashboard': "sys.exit(subprocess.run([sys.executable, '-m', 'dashboard', *words], input={typed!r}, text=True,\n"
    '    cwd={root!r}).returncode)',
}


def is_elsewhere(command: str) -> str:
    """The key of a command in the table, the longest that it begins with; '' when it is run as it stands."""
    words = command.split()
    return max((key for key in ELSEWHERE if words[: len(key.split())] == key.split()), key=len, default='')


def examples(path: Path) -> list[str]:
    """The blocks of a document that are run as they stand."""
    return [block for block in blocks_of(path, 'sh') if not any(map(is_elsewhere, commands_in(block)))]


@pytest.fixture
def clone(tmp_path):
    """What a clone has after its set-up, with this environment in place of its own."""
    root = tmp_path / 'clone'
    environment = root / '.venv' / 'bin'
    environment.mkdir(parents=True)
    (root / 'dashboard').mkdir()
    for name in ('pyproject.toml', 'requirements.lock', 'dashboard/run'):
        shutil.copy(ROOT / name, root / name)
    locked = (root / 'pyproject.toml').read_text() + (root / 'requirements.lock').read_text()
    (root / '.venv' / 'stamp').write_text(f'{root}\n{locked}')
    for name, words in {'python': '"$@"', 'dashboard': '-m dashboard "$@"'}.items():
        (environment / name).write_text(f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} {words}\n')
        (environment / name).chmod(0o755)
    return root


@pytest.fixture
def run_example(clone, demo_server, tmp_path):
    """Runs an example in a clone, on the demo, with the data directory that is given."""
    tools = tmp_path / 'tools'
    tools.mkdir()
    values = {'python': sys.executable, 'root': str(ROOT), 'port': demo_server.port, 'typed': f'{PASSWORD}\n'}
    for name, code in STAND_INS.items():
        (tools / name).write_text((STAND_IN + code).format(**values))
        (tools / name).chmod(0o755)

    def run(example: str, data_dir: Path) -> str:
        environ = {'PATH': f'{tools}:{os.environ["PATH"]}', 'DASHBOARD_DATA_DIR': str(data_dir)}
        environ['DASHBOARD_PORT'] = str(demo_server.port)
        done = subprocess.run(
            ['sh', '-eux', '-c', example.replace('"password": "…"', f'"password": "{PASSWORD}"')],
            cwd=clone,
            env=os.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize('name', sorted(path.name for path in DOCUMENTS if examples(path)))
def test_the_examples_of_a_document_run_as_they_stand(name, run_example, demo_server, tmp_path):
    path = next(path for path in DOCUMENTS if path.name == name)
    data_dir = demo_server.data_dir if name in ('README.md', 'api.md') else tmp_path / 'data'
    if name == 'troubleshooting.md':  # which has lost a password
        Accounts(data_dir).users.add('ann', 'what was lost', is_admin=True)
    assert run_example('\n'.join(examples(path)), data_dir)


def test_no_command_is_missing_or_named_in_vain():
    commands = [command for path in DOCUMENTS for block in blocks_of(path, 'sh') for command in commands_in(block)]
    assert set(filter(None, map(is_elsewhere, commands))) == ELSEWHERE.keys()
    for path in DOCUMENTS:
        for block in blocks_of(path, 'sh'):
            kinds = {bool(is_elsewhere(command)) for command in commands_in(block)}
            assert len(kinds) == 1, f'{path.name}: half of this example is run elsewhere:\n{block}'


@pytest.mark.parametrize('command', ELSEWHERE)
def test_where_a_command_is_run_there_is(command):
    file, _, name = ELSEWHERE[command].partition('::')
    assert f'def {name}(' in (ROOT / file).read_text() if name else (ROOT / file).exists()


def test_every_language_of_an_example_is_looked_at():
    for path in DOCUMENTS:
        fences = [line[3:] for line in path.read_text().splitlines() if line.startswith('```')]
        assert set(fences) <= {'', 'sh', 'yaml', 'nginx'}, path.name


@pytest.mark.parametrize('options', [[], ['--demo']], ids=['your own containers', 'demo'])
def test_the_first_commands_start_the_dashboard(options, clone, tmp_path):
    server = Server(tmp_path / 'data', *options, program=['sh', 'dashboard/run'], cwd=clone)
    try:
        assert b'"status":"ok"' in server.get('/api/health')[1]
        assert ('demo' in server.output) is bool(options)
    finally:
        server.stop()


def test_the_benchmarks_take_their_options():
    from tests.benchmarks.__main__ import parser

    commands = [command for path in DOCUMENTS for block in blocks_of(path, 'sh') for command in commands_in(block)]
    measured = [command for command in commands if is_elsewhere(command).endswith('tests.benchmarks')]
    assert measured
    for command in measured:
        parser().parse_args(shlex.split(command)[3:])
