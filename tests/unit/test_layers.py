"""Imports point down only, from wing to wing, through each wing's door; a foreign library stays in its place."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / 'dashboard'
GROUND = {'model', 'config', 'errors'}
BELOW = {  # a wing → what it may import beside itself and the ground
    'lines': set(),
    'engine': set(),
    'store': {'lines'},
    'timeline': {'store', 'engine', 'lines'},
    'access': set(),
    'web': {'access'},
    'view': {'timeline', 'store', 'lines', 'access'},
    'api': {'view', 'timeline', 'store', 'lines', 'access', 'web'},
    'pages': {'view', 'timeline', 'store', 'lines', 'access', 'web'},
    'app': {'pages', 'api', 'view', 'timeline', 'store', 'engine', 'access', 'web'},
    'health': set(),
    'doctor': {'engine', 'access', 'web', 'health'},
    'cli': {'app', 'doctor', 'health', 'access', 'console'},
}
HOMES = {  # a foreign library → where it may be imported
    'nicegui': {'pages', 'app', 'cli'},
    'fastapi': {'api', 'web', 'app'},
    'docker': {'engine'},
    're2': {'lines'},
    'markdown_it': {'pages'},
    'sqlite3': {'access'},
    'duckdb': {'store'},
    'jwt': {'access'},
    'argon2': {'access'},
    'cryptography': {'web'},
}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob('*.py'))


def part_of(module: Path) -> str:
    """The wing of a module, or its own name on the ground and under the roof."""
    return module.parts[0].removesuffix('.py')


@cache
def imports_of(module: Path) -> set[str]:
    tree = ast.parse((PACKAGE / module).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def own_imports(module: Path) -> set[tuple[str, ...]]:
    """What a module imports of the product, each as the parts of its dotted name below ``dashboard``."""
    return {tuple(name.split('.')[1:]) for name in imports_of(module) if name.startswith('dashboard.')}


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_imports_point_down_only(module):
    part = part_of(module)
    if part in ('__main__', '__init__', 'console', *GROUND):
        allowed = {'__main__': {'cli'}, 'model': {'errors'}, 'config': {'errors'}}.get(part, set())
    else:
        assert part in BELOW, f'{module} is new: say in BELOW of this test what it may import'
        allowed = BELOW[part] | GROUND | {part}
    for target, *rest in own_imports(module):
        if target != '__version__':
            assert target in allowed, f'{module} imports {".".join([target, *rest])}, which is not below it'


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_a_wing_is_entered_by_its_door(module):
    for target, *rest in own_imports(module):
        if target in BELOW and target != part_of(module) and (PACKAGE / target).is_dir() and rest:
            inside = (PACKAGE / target / f'{rest[0]}.py').exists()
            assert not inside, f'{module} imports {target}.{".".join(rest)}: take it from dashboard.{target}'


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_nobody_gets_past_the_view_to_the_hub(module):
    if any(name[-1] == 'LogHub' for name in own_imports(module)):
        assert part_of(module) in {'timeline', 'view', 'app'}, f'{module}: take a View, which keeps scopes'


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_a_foreign_library_stays_in_its_place(module):
    for name in imports_of(module):
        homes = HOMES.get(name.split('.')[0])
        assert homes is None or part_of(module) in homes, f'{module} imports {name}, whose place is {homes}'
