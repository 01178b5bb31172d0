"""Podman, whose API is compatible with that of Docker's engine, for tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

from tests.support.docker_engine import PrivateEngine

MISSING = 'podman is not installed: apt-get install podman'
# by default a container is to have limits that not every machine lets it have
CONFIG = """
[engine]
cgroup_manager = "cgroupfs"
compat_api_enforce_docker_hub = false
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
"""


def has_podman() -> bool:
    """Whether this machine has it."""
    return shutil.which('podman') is not None


class PodmanEngine(PrivateEngine):
    """Its service, with data of its own. Its containers run on when that ends, however it does."""

    def __init__(self, _directory: Path, *options: str) -> None:
        super().__init__(Path(mkdtemp(prefix='podman-')), *options)  # it takes no path of more than 50 characters

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _command(self) -> list[str]:
        config = self.directory / 'containers.conf'
        config.write_text(CONFIG)
        paths = {'root': 'data', 'runroot': 'run', 'tmpdir': 'tmp'}
        return [
            *('env', f'CONTAINERS_CONF={config}', 'TZ=UTC', 'podman', '--storage-driver', 'vfs'),
            *(f'--{option}={self.directory}/{path}' for option, path in paths.items()),
            *('system', 'service', '--time', '0', self.url),
        ]
