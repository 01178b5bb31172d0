"""How a document is rendered, and what a search finds in it."""

from __future__ import annotations

from dashboard.pages.documents import MOST_WORDS, Document, parse, search

TEXT = """# A title

Beginning with a [link](other.md#part), [one here](#part) and [one away](https://example.org/api.md).

## Part

The <b>bold</b> `code`
goes on.

| name | words |
| --- | --- |
| `a\\|b` | in a cell |

## Part

Needle.
"""


def document() -> Document:
    return parse('this', TEXT)


def test_a_heading_has_the_anchor_that_a_forge_gives_it():
    assert [(section.title, section.anchor) for section in document().sections] == [
        ('A title', ''), ('Part', 'part'), ('Part', 'part-1'),
    ]  # fmt: skip
    assert '<h2 id="part">' in document().html
    assert '<h2 id="part-1">' in document().html
    assert parse('x', '# A & B: `c-d`\n\n## `GET /x`, and *more*\n').sections[1].anchor == 'get-x-and-more'


def test_links_to_documents_lose_their_ending_and_others_open_a_tab_of_their_own():
    assert '<a href="other#part">' in document().html
    assert '<a href="#part">' in document().html
    assert '<a href="https://example.org/api.md" target="_blank" rel="noopener">' in document().html


def test_raw_html_is_text():
    assert '&lt;b&gt;bold' in document().html


def test_the_title_is_told_apart_from_the_text():
    assert document().title == 'A title'
    assert '<h1' not in document().html


def test_a_search_finds_sections_with_all_its_words_in_any_case():
    documents = {'this': document()}
    assert [hit.section.anchor for hit in search(documents, 'CODE goes')] == ['part']
    assert [hit.section.anchor for hit in search(documents, 'a|b cell')] == ['part']
    assert [hit.section.anchor for hit in search(documents, 'needle')] == ['part-1']
    assert not list(search(documents, 'code needle'))
    assert not list(search(documents, '   '))


def test_headings_that_have_the_words_come_first():
    text = '# T\n\n## First\n\nabout tokens\n\n## Tokens\n\nothers\n'
    assert [hit.section.anchor for hit in search({'t': parse('t', text)}, 'tokens')] == ['tokens', 'first']


def test_an_excerpt_is_cut_between_words_around_what_was_found():
    text = f'# T\n\n{"before " * 40}needle {"after " * 40}\n'
    excerpt = next(search({'t': parse('t', text)}, 'needle')).excerpt
    assert excerpt.startswith('… before')
    assert excerpt.endswith('after …')
    assert ' needle ' in excerpt
    assert len(excerpt) < 200


def test_no_search_has_more_words_than_are_looked_for():
    words = ' '.join(['needle'] * MOST_WORDS + ['absent'])
    assert list(search({'this': document()}, words))
