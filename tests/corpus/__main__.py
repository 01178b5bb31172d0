"""How well levels are told on lines whose level is known: ``python -m tests.corpus FOLDER [--show]``.

The folder holds sets, each a file ``NAME.tsv`` with a line each of level, tab, and the line as it was written. Prints a
row a set: ``set lines right wrong unknown``; unknown are those that were not told, and wrong those told otherwise.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dashboard.lines import level_of


def main(folder: Path, show: bool = False) -> None:
    """Measure every set of a folder; ``show`` also prints each line that is wrong."""
    for path in sorted(folder.glob('*.tsv')):
        counts = Counter[str]()
        for level, content in read(path):
            found = level_of(content).name.lower()
            counts[result := _result(level, found)] += 1
            if show and result != 'right':
                print(f'# {result}: {found} for {level}: {content.decode("utf-8", "replace")}', file=sys.stderr)
        print(path.stem, sum(counts.values()), counts['right'], counts['wrong'], counts['unknown'])


def read(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of a set with their levels."""
    for row in path.read_bytes().split(b'\n'):
        if row:
            level, _, content = row.partition(b'\t')
            yield level.decode(), content.rstrip(b'\r')


def _result(level: str, found: str) -> str:
    if level == found:
        return 'right'
    return 'unknown' if found == 'unknown' else 'wrong'


if __name__ == '__main__':
    main(Path(sys.argv[1]), '--show' in sys.argv[2:])
