"""What is installed is what was locked: version by version, hash by hash. Needs no network.

This is no search for known vulnerabilities: there is no list of them to be had offline.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text())
RUNTIME, TEST = ROOT / 'requirements.lock', ROOT / 'tests' / 'requirements.lock'
RELOCK = 'make the lock files anew: sh tests/lock'


def pins(path: Path) -> dict[str, str]:
    """Name and version of every line of a lock file whose marker fits here; each must have its hashes."""
    found = {}
    for block in re.split(r'\n(?=[a-z0-9])', path.read_text().replace('--only-binary :all:\n', '').strip()):
        head, *hashes = block.replace('\\\n', '').split('--hash=sha256:')
        assert hashes, f'{head} has no hash'
        assert all(re.fullmatch(r'[0-9a-f]{64}\s*', value) for value in hashes)
        pin = re.fullmatch(r'([a-z0-9-]+)==([^ ;]+)(?: ; (.+?))? *', head)
        assert pin, head
        if not pin[3] or Marker(pin[3]).evaluate():
            found[pin[1]] = pin[2]
    return found


def needed(requirements: Iterable[str]) -> set[str]:
    """All distributions that these need, directly or not, by the metadata of what is installed."""
    open_, seen = [Requirement(text) for text in requirements], set()
    while open_:
        wanted = open_.pop()
        key = (canonicalize_name(wanted.name), *sorted(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in metadata.requires(wanted.name) or []:
            inner = Requirement(text)
            extras = [{'extra': extra} for extra in wanted.extras or {''}]
            if inner.marker is None or any(inner.marker.evaluate(extra) for extra in extras):
                open_.append(inner)
    return {key[0] for key in seen}


DIRECT = [
    (RUNTIME, PROJECT['project']['dependencies'] + PROJECT['build-system']['requires']),
    (TEST, PROJECT['dependency-groups']['test']),
]


@pytest.mark.parametrize(('lock', 'requirements'), DIRECT, ids=['runtime', 'test'])
def test_the_lock_holds_what_the_project_asks_for(lock, requirements):
    locked = pins(lock)
    for requirement in map(Requirement, requirements):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f'{requirement.name} is not locked: {RELOCK}'
        assert requirement.specifier.contains(version), f'{requirement.name} {version}: {RELOCK}'


def test_both_locks_agree():
    runtime, test = pins(RUNTIME), pins(TEST)
    assert {name: runtime[name] for name in runtime.keys() & test} == {
        name: test[name] for name in runtime.keys() & test
    }


def test_every_installed_distribution_is_the_locked_one():
    locked = pins(TEST) | pins(RUNTIME)
    direct = PROJECT['project']['dependencies'] + PROJECT['dependency-groups']['test']
    different = {
        name: (metadata.version(name), locked.get(name))
        for name in needed(direct)
        if metadata.version(name) != locked.get(name)
    }
    assert not different, f'installed and locked differ: {RELOCK}, and set the environment up again'


def test_the_locks_name_no_registry_and_let_nothing_be_built():
    for path in (RUNTIME, TEST):
        text = path.read_text()
        assert text.startswith('--only-binary :all:\n')  # a source archive would run its own code to be built
        assert '://' not in text
        assert '--index-url' not in text


def test_everything_installs_with_its_hashes_checked():
    for script in ('dashboard/run', 'tests/run', 'Dockerfile'):
        commands = re.findall(r'pip"? install (.*)', (ROOT / script).read_text())
        assert commands
        for command in commands:
            assert '--require-hashes' in command or '--no-deps --no-build-isolation' in command
