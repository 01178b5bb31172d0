"""The documents below ``dashboard/docs``: read once, rendered without raw HTML, and searched section by section."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

from markdown_it import MarkdownIt
from markdown_it.token import Token

ORDER = (  # of the contents; a test holds that no document is missing
    'using', 'questions', 'settings', 'api', 'accounts', 'redaction', 'audit', 'storage', 'deployment', 'security',
    'reliability', 'performance', 'troubleshooting', 'contributing',
)  # fmt: skip
MOST_WORDS = 8  # of a search
AROUND = 70  # characters shown before and after what was found


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what follows it, up to the next one."""

    title: str
    anchor: str  # '' for the beginning of the document
    level: int  # of the heading, 1 for the document's own
    text: str  # what a reader sees, without markup


@dataclass(frozen=True, slots=True)
class Document:
    """One page of the documents; ``html`` is its text without the first heading."""

    name: str
    title: str
    html: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A section that has all words of a search."""

    document: Document
    section: Section
    excerpt: str


def load() -> dict[str, Document]:
    """All documents, by name, in the order of the contents."""
    folder = files('dashboard') / 'docs'
    return {name: parse(name, (folder / f'{name}.md').read_text('utf-8')) for name in ORDER}


def parse(name: str, text: str) -> Document:
    """A document from its Markdown, whose first line is its heading.

    Links to other documents are written for a forge, ``api.md#routes``; a browser finds them at ``api#routes``.
    """
    renderer = MarkdownIt('commonmark', {'html': False}).enable('table')
    tokens = renderer.parse(text)
    sections = tuple(_sections(tokens))
    for token in tokens:
        for inner in token.children or ():
            _point(inner)
    body = renderer.renderer.render(tokens[3:], renderer.options, {})  # the first three are its own heading
    return Document(name, sections[0].title, body, sections)


def search(documents: Mapping[str, Document], words: str) -> Iterator[Found]:
    """The sections that have all these words, in upper or lower case; headings that have them come first."""
    wanted = words.lower().split()[:MOST_WORDS]
    if wanted:
        found = [
            Found(document, section, _excerpt(section.text, wanted))
            for document in documents.values()
            for section in document.sections
            if all(word in f'{section.title} {section.text}'.lower() for word in wanted)
        ]
        yield from sorted(found, key=lambda hit: not all(word in hit.section.title.lower() for word in wanted))


# -- helpers


def _sections(tokens: list[Token]) -> Iterator[Section]:
    """Cut the document at its headings, and give each heading the anchor that a forge gives it."""
    starts = [index for index, token in enumerate(tokens) if token.type == 'heading_open']
    taken: Counter[str] = Counter()
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        title = _plain(tokens[start + 1 : start + 2])
        anchor = _anchor(title, taken)
        tokens[start].attrSet('id', anchor)
        level = int(tokens[start].tag[1])
        yield Section(title, anchor if start else '', level, _plain(tokens[start + 3 : end]))


def _anchor(title: str, taken: Counter[str]) -> str:
    """As GitHub and GitLab make them: lower case, hyphens for spaces, no other punctuation, a number when repeated."""
    slug = re.sub(r'[^\w\- ]', '', title.lower()).replace(' ', '-')
    taken[slug] += 1
    return slug if taken[slug] == 1 else f'{slug}-{taken[slug] - 1}'


def _point(token: Token) -> None:
    target = str(token.attrGet('href') or '')
    if '://' in target:
        token.attrSet('target', '_blank')
        token.attrSet('rel', 'noopener')
    elif target:
        token.attrSet('href', re.sub(r'^([a-z]+)\.md', r'\1', target))


def _plain(tokens: Iterable[Token]) -> str:
    """The text of tokens: of code its characters, of a row of a table its cells."""
    parts = [token.content if not token.children else _plain_inline(token.children) for token in tokens]
    return ' '.join(' '.join(parts).split())


def _plain_inline(tokens: Iterable[Token]) -> str:
    return ''.join(' ' if token.type == 'softbreak' else token.content for token in tokens)


def _excerpt(text: str, words: list[str]) -> str:
    """What stands around the first of the words."""
    at = min((place for word in words if (place := text.lower().find(word)) >= 0), default=0)
    start = text.find(' ', at - AROUND) + 1 if at > AROUND else 0
    end = text.rfind(' ', 0, at + AROUND) if at + AROUND < len(text) else len(text)
    return f'{"… " if start else ""}{text[start:end]}{" …" if end < len(text) else ""}'
