"""The wheel, built from the clone and installed alone: without the network, and without the clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dashboard.pages.documents import ORDER
from tests.support.documents import ROOT
from tests.support.server import Server

pytestmark = pytest.mark.engine  # it needs none, but is too slow for the fast tests

SOURCES = ('dashboard', 'pyproject.toml', 'README.md', 'LICENSE')  # what the Dockerfile copies too


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built as the documents say, by the locked setuptools of this environment."""
    clone = tmp_path_factory.mktemp('clone')
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, clone / name)
    pip('wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', 'dist', '.', cwd=clone)
    [path] = (clone / 'dist').glob('*.whl')
    return path


@pytest.fixture(scope='module')
def installed(wheel, tmp_path_factory):
    """Where nothing but the wheel is installed; its dependencies are this environment's."""
    target = tmp_path_factory.mktemp('installed')
    pip('install', '--no-deps', '--target', str(target), str(wheel), cwd=target)
    return target


def test_the_wheel_holds_the_documents_and_the_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [archive.read(name).decode() for name in names if name.endswith('.dist-info/METADATA')]
    assert {f'dashboard/docs/{name}.md' for name in ORDER} <= names
    assert any(name.endswith('.dist-info/licenses/LICENSE') for name in names)
    assert 'License-Expression: MIT' in metadata
    assert not [name for name in names if not name.startswith(('dashboard/', 'docker_log_dashboard-'))]


def test_the_wheel_works_installed_alone(installed, tmp_path):
    environ = {'PYTHONPATH': str(installed)}
    place = [sys.executable, '-c', 'import dashboard; print(dashboard.__file__)']
    found = subprocess.run(place, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed)
    server = Server(tmp_path / 'data', '--demo', program=[str(installed / 'bin/dashboard')], cwd=tmp_path, **environ)
    try:
        token = server.token()
        assert b'"web"' in server.get('/api/services', token)[1]
        status, page = server.get('/help/settings', token)
        assert status == 200
        assert b'DASHBOARD_PAGE_LINES' in page
    finally:
        server.stop()


def pip(*words: str, cwd: Path) -> None:
    command = [sys.executable, '-m', 'pip', '--quiet', '--no-input', words[0], '--no-index', *words[1:]]
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
