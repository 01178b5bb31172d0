"""The container that the README and the documents advise, as options of the Docker SDK.

``docker compose`` need not be here: what of a compose file this module does not know fails, and is not passed over.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from typing import Any

import yaml

from tests.support.documents import ROOT, blocks_of, commands_in

SOCKET = '/var/run/docker.sock'
DEPLOYMENT = ROOT / 'dashboard' / 'docs' / 'deployment.md'


def advised_by_compose() -> dict[str, Any]:
    """The service of the README's ``compose.yaml``."""
    [block] = blocks_of(ROOT / 'README.md', 'yaml')
    gid = str(os.stat(SOCKET).st_gid)
    known = yaml.safe_load(re.sub(r'\$\{DOCKER_GID:\?[^}]+\}', gid, block))
    assert known.keys() == {'services', 'volumes'}
    [service] = known['services'].values()
    assert service.pop('build') == './docker-log-dashboard'  # a clone, so the image of its Dockerfile
    assert {volume.partition(':')[0] for volume in service['volumes']} == {SOCKET, *known['volumes']}
    return _options(**service)


def advised_by_command() -> dict[str, Any]:
    """``docker run`` of the documents."""
    commands = [command for block in blocks_of(DEPLOYMENT, 'sh') for command in commands_in(block)]
    [line] = [command for command in commands if command.startswith('docker run')]
    words = shlex.split(line.replace(f'$(stat -c %g {SOCKET})', str(os.stat(SOCKET).st_gid)))
    parser = argparse.ArgumentParser()
    for name in ('-p', '-v', '--group-add', '--tmpfs', '--cap-drop', '--security-opt'):
        parser.add_argument(name, action='append')
    for name in ('-d', '--read-only'):
        parser.add_argument(name, action='store_true')
    for name in ('--name', '--user', '--restart', 'image'):
        parser.add_argument(name)
    given = vars(parser.parse_args(words[2:]))
    assert given.pop('d')
    assert given.pop('name')
    assert given.pop('image') == 'docker-log-dashboard'
    return _options(ports=given.pop('p'), volumes=given.pop('v'), **given)


def _options(
    *,
    ports: list[str],
    volumes: list[str],
    user: str,
    group_add: list[str],
    read_only: bool,
    tmpfs: list[str],
    cap_drop: list[str],
    security_opt: list[str],
    restart: str,
) -> dict[str, Any]:
    addresses = [port.rsplit(':', 2) for port in ports]
    return {
        'ports': {f'{inside}/tcp': (address, int(outside)) for address, outside, inside in addresses},
        'volumes': volumes,
        'user': user,
        'group_add': group_add,
        'read_only': read_only,
        'tmpfs': dict.fromkeys(tmpfs, ''),
        'cap_drop': cap_drop,
        'security_opt': security_opt,
        'restart_policy': {'Name': restart},
    }
