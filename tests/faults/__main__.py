"""``python -m tests.faults``: every fault, and what each viewer has lost, seen twice or out of order."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.faults.faults import FAULTS, Fault, run
from tests.support.browser import launch

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
                print(_row([fault.name, *([fault.missing] if fault.missing else _cells(fault, browser))]), flush=True)


def _cells(fault: Fault, browser: Browser) -> list[str]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        closing(fault.kind(Path(directory), *fault.options)) as engine,
    ):
        accounts, badge, _ = run(fault, Path(directory), browser, engine.start())
    return [f'{accounts["WebSocket"].seen:,}', *map(str, accounts.values()), ' → '.join(dict.fromkeys(badge))]


def _row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'


main()
