"""Whatever is printed or logged, the terminal of whoever started the program only shows it."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import cli
from dashboard.cli import main
from dashboard.config import Settings
from dashboard.console import harmless, harmless_console
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


@pytest.fixture
def logging_as_it_was():
    loggers = [logging.getLogger(name) for name in ('uvicorn', 'uvicorn.error', 'uvicorn.access')]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, level, propagate in before:
        logger.handlers.clear()
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.mark.usefixtures('logging_as_it_was')
def test_the_server_logs_errors_through_it(capsys):
    with harmless_console():
        assert configure(None, Settings()).use_colors is False
        try:
            raise ValueError(EVIL)
        except ValueError:
            logging.getLogger('uvicorn.error').exception('in the application')
    told = capsys.readouterr().err
    assert SHOWN in told
    assert '\x1b' not in told


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
