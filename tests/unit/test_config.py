"""The settings: one table, from which the environment is read, the options are made, and which the documents hold."""

from __future__ import annotations

import pytest

from dashboard.cli import main
from dashboard.config import SETTINGS, Settings
from dashboard.errors import ConfigError
from tests.support.documents import ROOT, rows_of

DOCUMENT = ROOT / 'dashboard' / 'docs' / 'settings.md'


@pytest.fixture(scope='module')
def rows() -> dict[str, list[str]]:
    """The rows of the document by their variable."""
    every = [[cell.text for cell in row] for row in rows_of(DOCUMENT, 'variable')]
    return {variable: cells for variable, *cells in every}


@pytest.mark.parametrize('setting', SETTINGS.values(), ids=lambda setting: setting.name)
def test_the_document_says_of_a_setting_what_the_code_does(rows, setting):
    option, default, takes, words, *_ = rows[setting.variable]
    assert option == setting.option
    if setting.default or setting.limits:
        assert default == str(setting.default).removesuffix('.0')
    if setting.limits:
        assert takes == '{:,} to {:,}'.format(*setting.limits)
    if setting.choices:
        assert takes == ', '.join(setting.choices)
    assert words == setting.help


def test_the_document_has_no_setting_that_the_code_has_not(rows):
    assert rows.keys() == {setting.variable for setting in SETTINGS.values()}


def test_no_two_settings_share_a_variable_or_an_option():
    for names in (
        [setting.variable for setting in SETTINGS.values()],
        [setting.option for setting in SETTINGS.values()],
    ):
        given = [name for name in names if name]
        assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ('variable', 'text', 'words'),
    [
        ('DASHBOARD_PORT', 'http', "DASHBOARD_PORT takes a whole number from 0 to 65,535, not 'http'."),
        ('DASHBOARD_PORT', '70000', 'DASHBOARD_PORT must be from 0 to 65,535, not 70,000.'),
        ('DASHBOARD_PORT', '80.0', "DASHBOARD_PORT takes a whole number from 0 to 65,535, not '80.0'."),
        ('DASHBOARD_LINGER', 'nan', 'DASHBOARD_LINGER must be from 0 to 86,400, not nan.'),
        ('DASHBOARD_DEMO', 'maybe', "DASHBOARD_DEMO takes true or false, not 'maybe'."),
        ('DASHBOARD_TLS_CERT', '~no-such-user/c', "DASHBOARD_TLS_CERT takes a path, not '~no-such-user/c'."),
        ('DASHBOARD_REDACT_FOR', 'all', "DASHBOARD_REDACT_FOR takes viewers, everyone, nobody; not 'all'."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_variable_and_what_it_takes(variable, text, words):
    with pytest.raises(ConfigError) as refused:
        Settings.from_env({variable: text})
    assert str(refused.value) == words


def test_an_empty_variable_is_one_that_is_not_set():
    assert Settings.from_env({'DASHBOARD_PORT': '', 'DASHBOARD_DEMO': ''}).port == Settings().port


def test_an_option_beats_a_variable_even_one_that_does_not_fit():
    assert Settings.from_env({'DASHBOARD_PORT': 'http'}, port=9001).port == 9001


def test_settings_that_are_made_by_hand_do_not_read_the_environment(monkeypatch):
    monkeypatch.setenv('DASHBOARD_PORT', '9001')
    assert Settings().port == 9000


def test_the_help_shows_every_option_with_its_words(capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '300')
    with pytest.raises(SystemExit, match='0'):
        main(['--help'])
    shown = ' '.join(capsys.readouterr().out.split())
    for setting in SETTINGS.values():
        if setting.option:
            assert f'{setting.option} {setting.metavar} {setting.help}'.replace('  ', ' ') in shown
