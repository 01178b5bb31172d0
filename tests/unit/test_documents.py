"""The documents say what the code does, and the code does what they say; their links lead somewhere.

The settings are compared in ``test_config.py``, and the examples are run by ``tests/docker/test_examples.py``.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator

import pytest

from dashboard.access.accounts import Accounts
from dashboard.app import create_api
from dashboard.cli import _parser
from dashboard.config import SETTINGS, Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.pages.documents import ORDER
from dashboard.pages.logs.keys import KEYS, LABELS
from dashboard.timeline.hub import LogHub
from dashboard.web.routes import TABLE, Access
from tests.support.documents import DOCUMENTS, README, ROOT, anchors_of, links_of, rows_of, tables_of

DOCS = ROOT / 'dashboard' / 'docs'
WHO = {
    Access.OPEN: 'anybody',
    Access.READ: 'signed in, API token',
    Access.USER: 'signed in',
    Access.ADMIN: 'administrators',
}
by_name = pytest.mark.parametrize('path', DOCUMENTS, ids=lambda path: path.name)


# -- links


@by_name
def test_every_link_leads_somewhere(path):
    for target in links_of(path):
        if target.startswith('http'):
            continue
        name, _, anchor = target.partition('#')
        found = (path.parent / name).resolve() if name else path
        assert found.is_relative_to(ROOT), target
        assert found.exists(), target
        assert not anchor or anchor in anchors_of(found), target


@by_name
def test_links_between_documents_work_in_the_dashboard_too(path):
    """There a document knows the others and nothing else, by their names."""
    if path != README:
        for target in links_of(path):
            assert re.match(r'https?://|[a-z]+\.md(#|$)|#', target), target


def test_every_document_is_in_the_contents_and_in_the_readme():
    assert {path.stem for path in DOCS.glob('*.md')} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))
    assert {f'dashboard/docs/{name}.md' for name in ORDER} <= set(links_of(README))


@by_name
def test_a_document_begins_with_its_only_first_heading(path):
    text = path.read_text()
    assert text.startswith('# ')
    headings = re.findall(r'^# .*', re.sub(r'```.*?```', '', text, flags=re.DOTALL), flags=re.MULTILINE)
    assert len(headings) == 1


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


# -- settings


def test_the_readme_says_of_settings_what_the_documents_say():
    every = {row[0].text: row for row in rows_of(DOCS / 'settings.md', 'variable')}
    told = rows_of(README, 'variable')
    assert len(told) == 10
    for variable, default, words in told:
        assert default == every[variable.text][2], variable.text
        assert words == every[variable.text][4], variable.text


@by_name
def test_every_variable_and_option_that_is_named_exists(path):
    text = path.read_text()
    variables = {setting.variable for setting in SETTINGS.values()}
    assert set(re.findall(r'DASHBOARD_[A-Z_]+', text)) <= variables
    options = {
        word for line in re.findall(r'\bdashboard [^`\n]*--[^`\n]*', text) for word in re.findall(r'--[a-z-]+', line)
    }
    assert options <= {option for known in commands().values() for option in known} | {'--data-dir'}


# -- commands


def commands() -> dict[str, set[str]]:
    """Each command of the command line with its own options."""

    def walk(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, set[str]]]:
        subs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if parser.get_default('command'):
            yield name, {o for action in parser._actions for o in action.option_strings if o.startswith('--')}
        for action in subs:
            for word, below in action.choices.items():
                yield from walk(below, f'{name} {word}')

    return {name: options - {'--help', '--data-dir'} for name, options in walk(_parser(), 'dashboard')}


def test_every_command_and_its_options_are_in_the_documents_and_none_besides():
    told = {}
    for command, options, _ in rows_of(DOCS / 'settings.md', 'command'):
        words = command.code[0].split()
        name = ' '.join(word for word in words if word.islower())
        told[name] = set(options.code)
    assert told == commands()


# -- routes


def told_routes() -> dict[tuple[str, str], str]:
    rows = rows_of(DOCS / 'api.md', 'route')
    return {tuple(route.code[0].split(' ')): who.text for route, who, _ in rows}


def test_every_route_is_in_the_documents_with_who_may_use_it_and_none_besides():
    lines = [(method, path, access) for methods, path, access, _ in TABLE for method in methods.split()]
    assert told_routes() == {(method, path.replace(':path', '')): WHO[access] for method, path, access in lines}


@pytest.fixture(scope='module')
def openapi(tmp_path_factory):
    """The document that the API makes of itself."""
    hub = LogHub(ScriptedEngine('demo', 'a test'), Settings())
    return create_api(hub, Accounts(tmp_path_factory.mktemp('openapi')))


def test_every_route_of_the_openapi_document_is_in_the_documents(openapi):
    paths = openapi.openapi()['paths']
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} <= told_routes().keys()


def test_every_parameter_is_in_the_documents_and_none_besides(openapi):
    names = {'/api/logs/{service}': 'logs', '/api/logs/{service}/download': 'download', '/api/histogram': 'histogram'}
    known = {('audit', parameter) for parameter in query_of(openapi, '/api/audit')}
    known |= {(name, parameter) for path, name in names.items() for parameter in query_of(openapi, path)}
    known |= {('WebSocket', parameter) for parameter in socket_parameters()}
    told = {('audit', row[0].text) for row in rows_of(DOCS / 'audit.md', 'parameter')}
    told |= {(of, row[0].text) for row in rows_of(DOCS / 'api.md', 'parameter') for of in row[1].text.split(', ')}
    assert told == known


def query_of(openapi, path: str) -> set[str]:
    parameters = openapi.openapi()['paths'][path]['get'].get('parameters', [])
    return {parameter['name'] for parameter in parameters if parameter['in'] == 'query'}


def socket_parameters() -> set[str]:
    """What the live log takes: OpenAPI does not know WebSockets."""
    tree = ast.parse((ROOT / 'dashboard/api/stream.py').read_text())
    function = next(node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) and node.name == 'logs')
    return {argument.arg for argument in function.args.args} - {'websocket', 'service', 'hub'}


# -- keys


def keys_in_the_code() -> set[str]:
    """Those of the table of keys, and those that an element listens to as ``keydown.…``."""
    texts = [n.value for path in (ROOT / 'dashboard/pages').rglob('*.py') for n in ast.walk(ast.parse(path.read_text()))
             if isinstance(n, ast.Constant) and isinstance(n.value, str)]  # fmt: skip
    named = {match[1] for text in texts if (match := re.fullmatch(r'keydown\.(\w+)', text))}
    return {label for key in KEYS for label in key.labels} | {LABELS.get(name.title(), name.title()) for name in named}


def test_every_key_is_in_the_documents_and_none_besides():
    told = {key for row in rows_of(DOCS / 'using.md', 'key') for key in row[0].code}
    assert told == keys_in_the_code()
    assert {'/', 'Esc'} <= told
    assert {key for row in rows_of(README, 'key') for key in row[0].code} <= told


def test_what_a_key_does_is_told_in_the_words_of_its_table():
    told = {(tuple(row[0].code), row[1].text) for row in rows_of(DOCS / 'using.md', 'key')}
    assert {(key.labels, key.words) for key in KEYS} <= told


# -- what else is promised


def test_every_test_that_is_named_exists():
    rows = rows_of(DOCS / 'security.md', 'threat')
    assert len(rows) > 20
    for _, _, proof in rows:
        assert proof.code, 'a threat without a test'
        for name in proof.code:
            file, _, test = name.partition('::')
            if not name.startswith('python -m '):
                assert (f'def {test}(' if test else '') in (ROOT / 'tests' / file).read_text(), name


def test_every_wing_is_described():
    """In the words of nobody else: but each is named, and none that there is not."""
    wings = {path.parent.name for path in (ROOT / 'dashboard').glob('*/__init__.py')}
    assert {row[0].text for row in rows_of(DOCS / 'contributing.md', 'wing')} == wings | {'docs'}


def test_files_that_are_named_exist():
    for path in DOCUMENTS:
        for name in re.findall(r'`((?:dashboard|tests)/[\w/.-]+)`', path.read_text()):
            assert (ROOT / name).exists(), f'{path.name} names {name}'


def test_the_figures_beside_another_viewer_are_the_same_in_both_places():
    ours = tables_of(README, 'lines a second')[0].rows
    assert [[cell.text for cell in row] for row in ours] == [
        [cell.text for cell in row] for row in tables_of(DOCS / 'performance.md', 'lines a second')[0].rows
    ]
