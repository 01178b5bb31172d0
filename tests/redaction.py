"""Looks through real logs for false marks, and prints how many there are and how fast it goes.

``python -m tests.redaction FOLDER``: every ``*.tsv`` there has a line of a log after the first tab of each line, as in
the sets of Loghub; every ``*.log`` has lines as they are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from dashboard.model import Container, LogLine, ServiceKey
from dashboard.view.scan import Scan
from dashboard.view.secrets import Rules

CONTAINER = Container('c' * 64, 'logs', ServiceKey('local', '', 'logs'), 'logs', 'running')


def main() -> None:
    parser = argparse.ArgumentParser(prog='python -m tests.redaction', description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--show', action='store_true', help='print the lines that are changed')
    options = parser.parse_args()
    rules = Rules()
    print('| log | lines | changed | of 10,000 | lines/s |\n| --- | --- | --- | --- | --- |')
    everything: list[LogLine] = []
    for path in sorted([*options.folder.glob('*.tsv'), *options.folder.glob('*.log')]):
        rows = rows_of(path)
        everything += rows
        report(path.name, rows, rules, options.show)
    report('all', everything, rules, show=False)


def rows_of(path: Path) -> list[LogLine]:
    texts = path.read_bytes().splitlines()
    if path.suffix == '.tsv':
        texts = [text.partition(b'\t')[2] for text in texts]
    return [LogLine.of(CONTAINER, number * 1_000, text) for number, text in enumerate(texts)]


def report(name: str, rows: list[LogLine], rules: Rules, show: bool) -> None:
    Scan(rules).changes(rows)  # RE2 makes its states as it meets them
    start = time.process_time()
    changed = Scan(rules).changes(rows)
    seconds = time.process_time() - start
    share = len(changed) / max(1, len(rows)) * 10_000
    print(f'| {name} | {len(rows):,} | {len(changed):,} | {share:.1f} | {len(rows) / seconds:,.0f} |')
    for index in changed if show else ():
        print(f'    {rows[index].text}\n  → {changed[index].text}')


if __name__ == '__main__':
    main()
