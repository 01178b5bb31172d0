"""Imports point down the journey of a log line only, and each foreign library stays in its place."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'dashboard'
LAYERS = [
    {'', 'errors'},
    {'model', 'config'},
    {
        'ansi',
        'frames',
        'moments',
        'bridge',
        'private',
        'demo_content',
        'notices',
        'reopening',
        'scope',
        'redaction_keys',
        'console',
    },
    {
        'filters',
        'slots',
        'routes',
        'engine_address',
        'engine_listing',
        'engine_stream',
        'passwords',
        'throttle',
        'account_schema',
        'redaction_rules',
    },
    {'filters', 'engine', 'demo', 'history', 'resume', 'marks', 'repeats', 'identity'},
    {'reader', 'merge', 'account_store'},
    {'feed', 'watch', 'session_store'},
    {'hub', 'tokens', 'visits', 'redaction'},
    {'view', 'sessions'},
    {'auth'},
    {'credentials', 'audit'},
    {'eviction'},
    {'pages', 'api', 'guard', 'edge'},
    {'server'},
    {'app'},
    {'cli'},
    {'__main__'},
]
HOMES = {
    'nicegui': {'pages', 'app', 'cli'},
    'fastapi': {'api', 'guard', 'app'},
    'docker': {'engine', 'engine_address', 'engine_stream'},
    'sqlite3': {'account_store', 'account_schema'},
    'jwt': {'tokens'},
    're2': {'redaction', 'redaction_rules', 'redaction_keys', 'filters'},
    'argon2': {'auth', 'passwords'},
}
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob('*.py'))


def part_of(module: Path) -> str:
    """What the table calls a module: its package below ``dashboard``, or its own name."""
    return module.parts[0].removesuffix('.py').removesuffix('__init__') if module.name != '__main__.py' else '__main__'


@cache
def imports_of(module: Path) -> set[str]:
    tree = ast.parse((PACKAGE / module).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_imports_point_down_only(module):
    part = part_of(module)
    assert part in RANK, f'{module} is new: put it into LAYERS of this test, below all that import it'
    for name in imports_of(module):
        if name.startswith('dashboard.'):
            target = name.split('.')[1]
            target = target if target in RANK else ''
            assert target == part or RANK[target] < RANK[part], f'{module} imports {name}, which is not below it'


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_nobody_gets_past_the_view_to_the_hub(module):
    if 'dashboard.hub.LogHub' in imports_of(module):
        assert part_of(module) in {'view', 'app'}, f'{module}: take a View, which keeps scopes'


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_a_foreign_library_stays_in_its_place(module):
    for name in imports_of(module):
        homes = HOMES.get(name.split('.')[0])
        assert homes is None or part_of(module) in homes, f'{module} imports {name}, whose place is {homes}'
