"""The README and the documents as tests read them: tables, links, anchors and the commands of their examples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from dashboard.pages.documents import parse

ROOT = Path(__file__).parents[2]
README = ROOT / 'README.md'
DOCUMENTS = (README, *sorted((ROOT / 'dashboard' / 'docs').glob('*.md')))


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of a table says, and which of its words are code."""

    text: str
    code: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The words of the header, and the rows below it."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@cache
def tokens_of(path: Path) -> list[Token]:
    return MarkdownIt('commonmark', {'html': False}).enable('table').parse(path.read_text())


@cache
def anchors_of(path: Path) -> set[str]:
    """What may follow the ``#`` of a link to this document."""
    return {section.anchor for section in parse(path.stem, path.read_text()).sections} - {''}


def links_of(path: Path) -> list[str]:
    """The targets of links and pictures."""
    inner = [token for block in tokens_of(path) for token in block.children or ()]
    return [str(token.attrs[name]) for token in inner for name in ('href', 'src') if name in token.attrs]


def tables_of(path: Path, column: str = '') -> list[Table]:
    """The tables whose first column has this name; '' for all."""
    found, rows = [], []
    tokens = tokens_of(path)
    for index, token in enumerate(tokens):
        if token.type == 'table_open':
            rows = []
        elif token.type == 'tr_open':
            rows.append([])
        elif token.type in ('th_open', 'td_open'):
            rows[-1].append(_cell(tokens[index + 1]))
        elif token.type == 'table_close':
            header = tuple(cell.text for cell in rows[0])
            found.append(Table(header, tuple(tuple(row) for row in rows[1:])))
    return [table for table in found if column in ('', table.header[0])]


def rows_of(path: Path, column: str) -> list[tuple[Cell, ...]]:
    """The rows of all tables whose first column has this name."""
    return [row for table in tables_of(path, column) for row in table.rows]


def blocks_of(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [token.content for token in tokens_of(path) if token.type == 'fence' and token.info == language]


def commands_in(block: str) -> list[str]:
    """The commands of an example, each on one line, without remarks."""
    joined = re.sub(r'\\\n\s*', '', block)
    return [re.sub(r'\s+#.*', '', line) for line in joined.splitlines() if line.strip()]


def _cell(token: Token) -> Cell:
    children = token.children or []
    return Cell(
        ''.join(child.content for child in children), tuple(c.content for c in children if c.type == 'code_inline')
    )
