"""The WebSocket client of the specification, as a person would use it."""

from __future__ import annotations

import json
import subprocess
import time

from tests.support.until import PATIENCE


def wscat(url: str, count: int, timeout: float = PATIENCE) -> tuple[list[dict], str]:
    """The first messages that wscat prints, and all it says when the server closes."""
    process = subprocess.Popen(
        ['wscat', '-c', url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    messages, said, deadline = [], '', time.monotonic() + timeout
    try:
        while len(messages) < count and time.monotonic() < deadline:
            line = process.stdout.readline()
            if not line:
                break
            said += line
            if '{' in line:
                messages.append(json.loads(line[line.index('{') :]))
    finally:
        process.kill()
        process.communicate()
    return messages, said
