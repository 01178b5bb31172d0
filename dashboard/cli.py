"""The command line: serve, look after accounts, make tokens, ask for health, look for what is wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from getpass import getpass
from typing import Any

from dashboard import __version__
from dashboard.access import DAYS, Accounts, Audit, Scope
from dashboard.config import SETTINGS, Setting, Settings
from dashboard.console import harmless_console, log_to_console
from dashboard.errors import AccountError, DashboardError
from dashboard.health import NotWell, ask_health

ADDRESS = ('host', 'port', 'tls_cert', 'tls_key', 'base_path')  # where a dashboard is

Command = Callable[[Settings, argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 2 for what the user can mend, said in one line."""
    with harmless_console():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    try:
        settings = Settings.from_env(os.environ, **_overrides(options))
        command: Command = options.command
        return command(settings, options)
    except DashboardError as error:
        print(f'dashboard: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    from dashboard.app import serve  # takes a second to import, and no other command needs it

    log_to_console()
    serve(settings)
    return 0


def _user_add(settings: Settings, options: argparse.Namespace) -> int:
    accounts = _accounts(settings)
    first = accounts.needs_setup()
    scope = Scope.of(options.scope)  # before anybody types a password in vain
    accounts.users.add(options.name, _new_password(), options.admin, scope)
    _note(settings, 'user-add', options.name, scope=scope, admin=options.admin or first)
    role = 'an administrator' if options.admin or first else f'a viewer of {scope}'
    print(f'Added {options.name}, {role}.')
    return 0


def _user_scope(settings: Settings, options: argparse.Namespace) -> int:
    if options.all == bool(options.patterns):
        raise AccountError('Give the patterns of the services that the user may see, or --all.')
    user = _accounts(settings).users.set_rights(options.name, scope=Scope.of(None if options.all else options.patterns))
    _note(settings, 'user-change', options.name, scope=user.scope)
    print(f'{user.username} sees {user.scope}; what is open follows within a second.')
    return 0


def _user_role(settings: Settings, options: argparse.Namespace) -> int:
    user = _accounts(settings).users.set_rights(options.name, is_admin=options.role == 'admin')
    _note(settings, 'user-change', options.name, admin=user.is_admin)
    print(f'{user.username} is {"an administrator" if user.is_admin else f"a viewer of {user.scope}"}.')
    return 0


def _user_passwd(settings: Settings, options: argparse.Namespace) -> int:
    accounts = _accounts(settings)
    accounts.users.known(options.name)  # before anybody types a password in vain
    accounts.users.set_password(options.name, _new_password())
    _note(settings, 'password-set', options.name)
    print(f'Changed the password of {options.name}; all tokens of {options.name} have ended.')
    return 0


def _user_list(settings: Settings, options: argparse.Namespace) -> int:
    users = _accounts(settings).users.all()
    if not users:
        print(
            'There are no accounts yet. Start the dashboard and open it, or: dashboard user add NAME', file=sys.stderr
        )
    for user in users:
        created = datetime.fromtimestamp(user.created, UTC)
        print(f'{user.username:<24} {user.role:<6} since {created:%Y-%m-%d}  sees {user.scope}')
    return 0


def _user_remove(settings: Settings, options: argparse.Namespace) -> int:
    _accounts(settings).users.remove(options.name)
    _note(settings, 'user-remove', options.name)
    print(f'Removed {options.name}; all tokens of {options.name} have ended.')
    return 0


def _token(settings: Settings, options: argparse.Namespace) -> int:
    accounts = _accounts(settings)
    print(accounts.sessions.make_token(accounts.users.known(options.user), options.label, options.days).secret)
    _note(settings, 'token-make', options.user, days=options.days, token=options.label)
    return 0


def _health(settings: Settings, options: argparse.Namespace) -> int:
    try:
        ask_health(settings)
    except NotWell as problem:
        print(f'dashboard: {problem}', file=sys.stderr)
        return 1
    return 0


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from dashboard.doctor import examine  # looks at every wing, and no other command needs all of them

    findings = examine(settings)
    for finding in findings:
        print(f'{finding.level:<9}{finding.subject + ":":<12}{finding.words}')
    return int(any(finding.level == 'problem' for finding in findings))


# -- helpers


def _accounts(settings: Settings) -> Accounts:
    return Accounts(settings.data_dir, settings.secret_key)


def _note(settings: Settings, event: str, name: str, **details: Any) -> None:
    """Who types here has no account: the audit log calls them the console."""
    Audit.of(settings).record(event, '(console)', name=name, **details)


def _new_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip('\r\n')
    try:
        password, again = getpass('New password: '), getpass('Once more: ')
    except EOFError:
        raise AccountError('No password was given.') from None
    if password != again:
        raise AccountError('The two passwords differ. Try again.')
    return password


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(options, name, None) for name in SETTINGS}


def _parser() -> argparse.ArgumentParser:
    data_dir, address = _options('data_dir'), _options(*ADDRESS)
    every = _options(*(name for name, setting in SETTINGS.items() if setting.option))
    parser = argparse.ArgumentParser(
        prog='dashboard', parents=[every], description='Live Docker container logs in the browser.'
    )
    parser.add_argument('--version', action='version', version=f'%(prog)s {__version__}')
    parser.set_defaults(command=_serve)
    commands = parser.add_subparsers(title='other commands', metavar='COMMAND')
    _add_user_commands(commands.add_parser('user', parents=[data_dir], help='add, change, list or remove users'))
    token = commands.add_parser('token', parents=[data_dir], help='print a new API token, which only reads')
    token.add_argument('user', metavar='USER')
    token.add_argument('--days', type=_number(*DAYS), default=90, help='how long it is valid (90)')
    token.add_argument('--label', default='command line', help='its name in the list of tokens')
    token.set_defaults(command=_token)
    health = commands.add_parser('health', parents=[address], help='exit with 0 when a dashboard answers, else 1')
    health.set_defaults(command=_health)
    doctor = commands.add_parser('doctor', parents=[every], help='say what is well and what to do about the rest')
    doctor.set_defaults(command=_doctor)
    return parser


def _add_user_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    for name, command, words in (
        ('add', _user_add, 'add a user; the password is asked for, or read from standard input'),
        ('passwd', _user_passwd, 'replace a password and end all tokens of the user'),
        ('remove', _user_remove, 'remove a user and end all their tokens'),
        ('scope', _user_scope, 'say which services a viewer may see'),
        ('role', _user_role, 'make an administrator or a viewer of a user'),
        ('list', _user_list, 'list the users'),
    ):
        action = commands.add_parser(name, parents=[_options('data_dir')], help=words, description=words)
        action.set_defaults(command=command)
        if name != 'list':
            action.add_argument('name', metavar='NAME')
        if name == 'add':
            action.add_argument('--admin', action='store_true', help='make an administrator')
            action.add_argument('--scope', nargs='+', metavar='PATTERN', help="what a viewer may see: 'shop/*' '*/web'")
        elif name == 'scope':
            action.add_argument('patterns', nargs='*', metavar='PATTERN', help="project/service: 'shop/*', '*/web'")
            action.add_argument('--all', action='store_true', help='everything')
        elif name == 'role':
            action.add_argument('role', choices=('admin', 'viewer'))


def _options(*names: str) -> argparse.ArgumentParser:
    """The options of these settings, in the words of their one table."""
    # without defaults: one of a sub-command would overwrite what was given before it
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for name in names:
        setting = SETTINGS[name]
        if setting.metavar:
            words = f'{setting.help} ({setting.default})' if setting.default else setting.help
            options.add_argument(setting.option, dest=name, type=_taken(setting), metavar=setting.metavar, help=words)
        else:
            options.add_argument(setting.option, dest=name, action='store_true', help=setting.help)
    return options


def _taken(setting: Setting) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        try:
            return setting.parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return value


def _number(low: float, high: float) -> Callable[[str], int]:
    def value(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f'takes a number from {low:,} to {high:,}, not {text!r}')
        return int(text)

    return value
