"""How ``pytest -n`` shares tests out among its processes, with ``--dist loadscope``."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = 'tests/docker/'  # a file of these has an image or a server that is too dear to be made twice


class SideBySide(LoadScopeScheduling):
    """Each test by itself, but those of one file together where they share something dear.

    xdist has marks for that, ``xdist_group``, but pytest 9.2 does not let it write them into the names of tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition('::')[0] if nodeid.startswith(TOGETHER) else nodeid
