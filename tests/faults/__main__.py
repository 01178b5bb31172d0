"""``python -m tests.faults``: every fault, and what each viewer has lost, seen twice or out of order."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

import docker
from playwright.sync_api import Browser, sync_playwright

from tests.faults.account import Account
from tests.faults.faults import FAULTS, Fault, run
from tests.faults.recorded import damaged, filled, killed, vanished
from tests.support.browser import launch
from tests.support.docker_engine import Containers

COLUMNS = ('fault', 'lines', 'WebSocket that resumes', 'page in Chromium', 'download', 'kept', 'the badge said')


def main() -> None:
    parser = argparse.ArgumentParser(description='Lines lost / twice / out of order, for every fault.')
    parser.add_argument('--only', default='', help='faults whose name contains this')
    parser.add_argument('--times', type=int, default=50, help='how often the dashboard is killed while it records')
    options = parser.parse_args()
    only = options.only
    print(_row(COLUMNS), _row(['---'] * len(COLUMNS)), sep='\n', flush=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for fault in FAULTS:
            if only in fault.name:
                print(_row([fault.name, *([fault.missing] if fault.missing else _cells(fault, browser))]), flush=True)
    of_the_store = {
        f'the dashboard is killed (kill -9) {options.times} times': partial(killed, times=options.times),
        'the disk of the store is full, and free again': filled,
        'a file of the store vanishes': vanished,
        'a file of the store is damaged': damaged,
    }
    for name, act in of_the_store.items():
        if only in name:
            for service, account in _recorded(act).items():
                print(_row([f'{name}: {service}', f'{account.seen:,}', '', '', '', str(account)]), flush=True)


def _cells(fault: Fault, browser: Browser) -> list[str]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        closing(fault.kind(Path(directory), *fault.options)) as engine,
    ):
        accounts, badge, _ = run(fault, Path(directory), browser, engine.start())
    cells = [str(accounts.get(viewer, '')) for viewer in ('WebSocket', 'page', 'download', 'kept')]
    return [f'{accounts["WebSocket"].seen:,}', *cells, ' → '.join(dict.fromkeys(badge))]


def _recorded(act: Callable[[Containers, Path], dict[str, Account]]) -> dict[str, Account]:
    client = docker.from_env()
    containers = Containers(client)
    with tempfile.TemporaryDirectory() as directory:
        try:
            return act(containers, Path(directory) / 'data')
        finally:
            containers.remove_all()
            client.close()


def _row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'


main()
