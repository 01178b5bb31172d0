"""Measures the product on a real engine and in a real browser, and prints one table.

``python -m tests.benchmarks [--only 1,2] [--quick]``; with ``--url URL --selector CSS --line CSS`` only the page row is
measured, of another viewer that already shows the service ``bench``, which this starts at each rate.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from playwright.sync_api import sync_playwright

from tests.benchmarks import rows
from tests.support.docker_engine import Containers
from tests.support.server import Server


def main() -> None:
    options = parser().parse_args()
    print('| what | figure | reference or aim | ratio |\n| --- | --- | --- | --- |', flush=True)
    wanted = ['other'] if options.url else options.only.split(',')
    for name in wanted:
        with bench(options) as run:
            for row in rows.ROWS[name](run):
                print('| ' + ' | '.join(row) + ' |', flush=True)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog='python -m tests.benchmarks', description=__doc__)
    options.add_argument('--only', default='1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16', help='which rows, for example 1,2')
    options.add_argument('--quick', action='store_true', help='shorter runs and fewer containers: rough figures')
    options.add_argument('--recorded', action='store_true', help='keep what the containers write meanwhile')
    options.add_argument('--url', help='another viewer that shows the service "bench"')
    options.add_argument('--selector', default='.log', help="CSS selector of that viewer's log")
    options.add_argument('--line', default='.log .l', help='CSS selector of its lines')
    return options


@contextmanager
def bench(options: argparse.Namespace) -> Iterator[rows.Run]:
    """A server, a browser, and a way to start containers; all gone at the end."""
    client = docker.from_env()
    containers = Containers(client)
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        arguments = ['--no-sandbox', '--disable-background-networking']
        browser = playwright.chromium.launch(executable_path='/usr/bin/chromium', args=arguments)
        keeping = {'DASHBOARD_STORE_BYTES': str(1 << 30)} if options.recorded else {}
        server = Server(Path(directory), DASHBOARD_TRUSTED_PROXY='127.0.0.1', **keeping)
        try:
            yield rows.Run(options, client, containers, server, browser, playwright)
        finally:
            browser.close()
            server.stop()
            containers.remove_all()
            client.close()


if __name__ == '__main__':
    sys.exit(main())
