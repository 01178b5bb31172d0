"""``python -m tests.faults``: every fault, and what each viewer has lost, seen twice or out of order."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.faults.faults import FAULTS, run
from tests.support.browser import launch
from tests.support.docker_engine import PrivateEngine

COLUMNS = ('fault', 'lines', 'WebSocket that resumes', 'page in Chromium', 'download', 'the badge said')


def main() -> None:
    parser = argparse.ArgumentParser(description='Lines lost / twice / out of order, for every fault.')
    parser.add_argument('--only', default='', help='faults whose name contains this')
    only = parser.parse_args().only
    print(_row(COLUMNS), _row(['---'] * len(COLUMNS)), sep='\n', flush=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for fault in FAULTS:
            if only in fault.name:
                with (
                    tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
                    closing(PrivateEngine(Path(directory), *fault.options)) as engine,
                ):
                    accounts, badge, _ = run(fault, Path(directory), browser, engine.start())
                said = ' → '.join(dict.fromkeys(badge))
                cells = [fault.name, f'{accounts["WebSocket"].seen:,}', *map(str, accounts.values()), said]
                print(_row(cells), flush=True)


def _row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'


main()
