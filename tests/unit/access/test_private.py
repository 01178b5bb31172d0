"""The data directory is used only when nobody else can change what is in it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.access.private import make_private_file, read_private_file
from dashboard.config import Settings
from dashboard.errors import ConfigError
from tests.support.app import CHEAP


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / 'data'


OTHERS = {
    'anybody can write': lambda directory: directory.chmod(0o777),
    'anybody can write, as to /tmp': lambda directory: directory.chmod(0o1777),
    'a group with others can write': lambda directory: directory.chmod(0o770),
    'another owns it': lambda directory: os.chown(directory, 4_711, -1),
    'anybody can put another in its place': lambda directory: directory.parent.chmod(0o777),
}


@pytest.mark.parametrize('change', OTHERS.values(), ids=OTHERS)
def test_a_data_directory_that_others_can_change_is_refused_with_what_to_do(data_dir, change, monkeypatch):
    Accounts(data_dir, hasher=CHEAP)
    monkeypatch.setattr('dashboard.access.private.grp.getgrgid', lambda _: SimpleNamespace(gr_mem=['ann']))
    change(data_dir)
    monkeypatch.setattr('dashboard.access.private.os.geteuid', lambda: 4_712 if data_dir.stat().st_uid else 0)
    with pytest.raises(ConfigError, match=r'chmod|chown') as refused:
        Accounts(data_dir, hasher=CHEAP)
    assert '--data-dir' in str(refused.value)
    with pytest.raises(ConfigError, match=r'chmod|chown'):
        Audit.of(Settings(data_dir=data_dir))
    data_dir.parent.chmod(0o700)


@pytest.mark.parametrize('group', [SimpleNamespace(gr_mem=['root']), None], ids=['of this user alone', 'of no name'])
def test_a_group_in_which_nobody_else_is_may_write(data_dir, group, monkeypatch):
    Accounts(data_dir, hasher=CHEAP)
    data_dir.chmod(0o2770)

    def found(number: int) -> SimpleNamespace:
        if group is None:
            raise KeyError(number)
        return group

    monkeypatch.setattr('dashboard.access.private.grp.getgrgid', found)
    Accounts(data_dir, hasher=CHEAP)


@pytest.mark.parametrize('name', ['dashboard.db', 'secret.key', 'audit.jsonl'])
@pytest.mark.parametrize('kind', ['link', 'dangling link', 'directory', 'pipe'])
def test_what_is_no_file_of_its_own_is_refused_in_words_and_left_alone(tmp_path, name, kind):
    (data_dir := tmp_path / 'data').mkdir(0o700)
    target = tmp_path / 'of another program'
    if kind != 'dangling link':
        target.write_bytes(b'k' * 64)
        target.chmod(0o644)
    make = {'directory': Path.mkdir, 'pipe': os.mkfifo}.get(kind, lambda path: path.symlink_to(target))
    make(data_dir / name)
    for use in (Accounts, lambda directory: Audit.of(Settings(data_dir=directory))):
        with pytest.raises(ConfigError, match='is a symbolic link' if 'link' in kind else 'is not a file'):
            use(data_dir)
    assert [path.name for path in data_dir.iterdir()] == [name]
    assert kind == 'dangling link' or stat.S_IMODE(target.stat().st_mode) == 0o644
    assert target.exists() or kind == 'dangling link'


@pytest.mark.parametrize('name', ['dashboard.db', 'secret.key'])
def test_a_link_that_is_put_there_at_the_last_moment_is_not_followed(tmp_path, name):
    target = tmp_path / 'of another program'
    target.write_bytes(b'k' * 64)
    target.chmod(0o644)
    (tmp_path / name).symlink_to(target)
    for use in (make_private_file, read_private_file):
        with pytest.raises(ConfigError, match='it is a symbolic link'):
            use(tmp_path / name)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
