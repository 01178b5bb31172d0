"""What the answer to a sign-in brings: the key of the origin, and where the browser goes next."""

from __future__ import annotations

import json
import re


def kept(page: str) -> tuple[str, str]:
    """The name under which the browser keeps the key of its origin, and the key."""
    found = re.search(r'localStorage\.setItem\(("[^"]*"), ("[^"]*")\)', page)
    return json.loads(found[1]), json.loads(found[2])


def goes_to(page: str) -> str:
    """Where the browser goes next."""
    return json.loads(re.search(r'location\.replace\((".*?")\);</script>', page)[1])
