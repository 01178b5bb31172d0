"""``python -m tests.faults``: every fault, and what each viewer has lost, seen twice or out of order."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import launch
from tests.faults.faults import FAULTS, run

HEAD = '| fault | lines | WebSocket that resumes | page in Chromium | download | the badge said |\n|---|---|---|---|---|---|'


def main() -> None:
    parser = argparse.ArgumentParser(description='Lines lost / twice / out of order, for every fault.')
    parser.add_argument('--only', default='', help='faults whose name contains this')
    only = parser.parse_args().only
    print(HEAD, flush=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for fault in FAULTS:
            if only in fault.name:
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
                    accounts, badge, _ = run(fault, Path(directory), browser)
                cells = [
                    f'{accounts["WebSocket"].seen:,}',
                    *map(str, accounts.values()),
                    ' → '.join(dict.fromkeys(badge)),
                ]
                print(f'| {fault.name} | {" | ".join(cells)} |', flush=True)


main()
