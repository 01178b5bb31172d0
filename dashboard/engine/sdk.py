"""Loads the Docker SDK without paramiko: an ssh:// address is reached by the command `ssh`, as the Docker CLI does.

The SDK's module for these addresses imports paramiko for another way, which is not used here (`use_ssh_client`). It
takes 10 MiB of memory, whatever the address is, and a twentieth of the time to start. So an empty module stands in its
place while the SDK is loaded.
"""

from __future__ import annotations

import sys
from types import ModuleType

_NAME = 'paramiko'
if _NAME in sys.modules:
    import docker
else:
    sys.modules[_NAME] = ModuleType(_NAME)
    import docker

    del sys.modules[_NAME]

__all__ = ['docker']
