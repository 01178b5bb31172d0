"""Whatever is printed or logged, the terminal of whoever started the program only shows it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import cli
from dashboard.cli import main
from dashboard.config import Settings
from dashboard.console import harmless, harmless_console, log_to_console
from dashboard.errors import DashboardError
from dashboard.web.server import configure

EVIL = 'a\x1b]0;pwned\x07\x9b31m\u202eb\x7f'
SHOWN = r'a\x1b]0;pwned\x07\x9b31m\u202eb\x7f'


@given(st.text())
def test_what_a_terminal_acts_on_is_written_out(text):
    shown = harmless(text)
    assert all(char.isprintable() or char in '\n\t' or not char.isascii() for char in shown)
    assert not set(shown) & {'\x1b', '\x9b', '\x7f', '\r', '\u202e'}
    assert shown == text or not text.isprintable()


def test_printing_and_logging_pass_through_it(capsys):
    with harmless_console():
        print(EVIL)
        print(EVIL, file=sys.stderr)
        logger = logging.Logger('other')
        logger.addHandler(logging.StreamHandler())
        logger.error('user %s', EVIL)
    told = capsys.readouterr()
    assert told.out == f'{SHOWN}\n'
    assert told.err == f'{SHOWN}\nuser {SHOWN}\n'


@contextmanager
def console() -> Iterator[None]:
    """The server's own way of logging, for as long as the ``with`` lasts."""
    names = ('', 'uvicorn', 'uvicorn.error', 'uvicorn.access', 'python_multipart')
    before = [(log, log.level, log.propagate, list(log.handlers)) for log in map(logging.getLogger, names)]
    logging.root.handlers.clear()  # else those of the tests would be closed
    try:
        with harmless_console():
            log_to_console()
            configure(None, Settings())
            yield
    finally:
        for log, level, log.propagate, log.handlers[:] in before:
            log.setLevel(level)


def complain(text: str, kind: type[Exception] | None = None) -> None:
    try:
        raise (kind or ValueError)(text)
    except Exception:
        logging.getLogger('uvicorn.error').error('in the application: %s\n', text, exc_info=kind is not None)


def test_the_server_logs_errors_through_it(capsys):
    with console():
        complain(EVIL, ValueError)
    told = capsys.readouterr().err
    assert told.count(SHOWN) == 2
    assert '\x1b' not in told


def test_nothing_that_is_quoted_in_a_log_begins_a_line(capsys):
    with console():
        complain('x\nSet-up code for the first account: AAAA', ValueError)
    told = capsys.readouterr().err
    assert told.count('Set-up code') == 2
    assert '\nSet-up code' not in told


def test_what_is_logged_again_and_again_is_told_once_in_a_while(capsys, monkeypatch):
    with console():
        for kind in (None, None, KeyError, KeyError, OSError):
            complain('again', kind)
        assert capsys.readouterr().err.count('ERROR') == 3
        monkeypatch.setattr('dashboard.console.PAUSE', 0)
        complain('again')
        assert capsys.readouterr().err.count('ERROR') == 1


def test_an_error_of_a_command_is_harmless(monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise DashboardError(f'no service {EVIL}')

    monkeypatch.setattr(cli, '_accounts', fail)
    assert main(['user', 'list']) == 2
    assert capsys.readouterr().err == f'dashboard: no service {SHOWN}\n'


@pytest.mark.parametrize('name', ['isatty', 'fileno', 'encoding', 'flush'])
def test_the_streams_stay_streams(name):
    with harmless_console():
        assert hasattr(sys.stdout, name)
