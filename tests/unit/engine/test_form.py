"""How a log is kept, by its container's details."""

from __future__ import annotations

import pytest

from dashboard.engine.form import USUAL, form_of


@pytest.mark.parametrize(
    ('driver', 'options', 'file', 'rotates'),
    [
        ('json-file', {'max-size': '100k', 'max-file': '3'}, 100_000, True),
        ('json-file', {'max-size': '1.5 MB'}, 1.5e6, True),
        ('json-file', {'max-size': '1g'}, USUAL, True),
        ('json-file', {'max-size': '10MiB'}, 10e6, True),
        ('json-file', {'max-size': '4096'}, 4_096, True),
        ('json-file', {'max-size': '-1'}, USUAL, False),
        ('json-file', {'max-size': 'much'}, None, True),
        ('json-file', {}, USUAL, False),
        ('local', None, USUAL, True),
        ('local', {'max-size': '20k'}, 20_000, True),
        ('journald', {'max-size': '20k'}, None, True),
    ],
)
def test_the_size_of_a_file_is_read_from_the_options_of_its_driver(driver, options, file, rotates):
    details = {'Config': {'Tty': True}, 'HostConfig': {'LogConfig': {'Type': driver, 'Config': options}}}
    assert form_of(details) == (driver, True, file, rotates)


def test_what_an_engine_does_not_say_is_not_known():
    assert form_of({'Config': {'Tty': False}, 'HostConfig': {'LogConfig': None}}) == ('', False, None, False)
    assert form_of({'Config': {'Tty': False}, 'HostConfig': {}}) == ('', False, None, False)
