"""The pages ``/help/…``: the documents, with their contents and a search, from this server alone."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import islice

from nicegui import ui
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access import Accounts, Audit
from dashboard.config import Settings
from dashboard.pages import clients
from dashboard.pages.documents import ORDER, Document, Found, load, search
from dashboard.pages.parts import sheet
from dashboard.pages.presence import stay
from dashboard.pages.shell import shell
from dashboard.web import path_for

LONGEST_SEARCH = 100  # characters
SHOWN = 20  # sections that a search finds
CSS = """
.sheet:has(.help) { max-width:1080px }
.help { display:grid; grid-template-columns:220px minmax(0,1fr); gap:8px 40px; align-items:start }
.help nav { position:sticky; top:0; display:flex; flex-direction:column; font-size:14px }
.help .contents { display:flex; flex-direction:column; gap:2px; max-height:calc(100dvh - 130px); overflow-y:auto }
.help nav a { color:var(--text); padding:3px 8px; border-radius:6px; text-decoration:none }
.help nav a:hover { background:var(--line) } .help nav a[aria-current] { font-weight:600; background:var(--line) }
.help nav a.inner { padding-left:20px; color:var(--soft) } .help nav .q-field { margin-bottom:8px }
.help article { font-size:15px; line-height:1.6; overflow-wrap:anywhere }
.help article a { color:#1659c7 } .body--dark .help article a { color:#79b8ff }
.help article h2 { font-size:19px; font-weight:600; line-height:1.4; margin:28px 0 8px }
.help article :is(p,ul,ol,pre,table) { margin:0 0 12px }
.help article ul { padding-left:22px; list-style:disc }
.help article ol { padding-left:22px; list-style:decimal }
.help article code { font-size:13px; background:var(--bar); border:1px solid var(--line); border-radius:4px;
  padding:1px 4px }
.help article pre { padding:10px 12px; overflow-x:auto; background:var(--bar); border:1px solid var(--line);
  border-radius:8px; line-height:1.5 }
.help article pre code { border:0; padding:0; overflow-wrap:normal }
.help article table { display:block; overflow-x:auto; border-collapse:collapse; font-size:14px; line-height:1.45 }
.help article :is(th,td) { border:1px solid var(--line); padding:5px 9px; text-align:left; vertical-align:top;
  overflow-wrap:normal }
.help article th { background:var(--bar); font-weight:600 }
@media (max-width:760px) {
  .help { grid-template-columns:minmax(0,1fr) } .help nav { position:static }
  .help .contents { max-height:30dvh; border:1px solid var(--line); border-radius:8px; padding:4px }
}
"""
MISSING = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Docker Log Dashboard</title></head>
<body><p>There is no document of this name.</p><p><a href="{}">To the documents</a></p></body></html>
"""


def install(app: Starlette, accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the pages."""
    documents = load()
    app.router.routes.append(Route('/help', _first))

    @ui.page('/help/{name}', title='Help · Docker Log Dashboard')
    def page(request: Request, name: str) -> Response | None:
        if name not in documents:
            ui.context.client.delete()
            return HTMLResponse(MISSING.format(escape(path_for(request.scope, '/help'))), 404)
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        with shell(visit, request, accounts, audit):
            HelpPage(documents, documents[name]).build()
        return None


async def _first(request: Request) -> RedirectResponse:
    """To a document, so that links between documents are relative to the same folder here and on a forge."""
    return RedirectResponse(path_for(request.scope, f'/help/{ORDER[0]}'))


class HelpPage:
    """One browser tab."""

    def __init__(self, documents: Mapping[str, Document], document: Document) -> None:
        self._documents = documents
        self._document = document

    def build(self) -> None:
        """Make the page."""
        ui.add_css(CSS)
        ui.page_title(f'{self._document.title} · Docker Log Dashboard')
        with sheet(self._document.title), ui.element('div').classes('help'):
            with ui.element('nav').props('aria-label="Documents"'):
                box = ui.input('Search', on_change=lambda event: self._search(event.value))
                box.props(f'dense outlined clearable debounce=200 maxlength={LONGEST_SEARCH} role=search')
                self._contents = ui.element('div').classes('contents')
            ui.html(self._document.html, sanitize=False, tag='article')  # ours, and rendered without raw HTML
        self._show_contents()

    def _show_contents(self) -> None:
        with self._contents:
            for document in self._documents.values():
                link = ui.link(document.title, document.name)
                if document is self._document:
                    link.props('aria-current=page')
                    for section in document.sections:
                        if section.level == 2:
                            ui.link(section.title, f'{document.name}#{section.anchor}').classes('inner')

    def _search(self, words: str | None) -> None:
        self._contents.clear()
        words = (words or '').strip()[:LONGEST_SEARCH]
        if not words:
            self._show_contents()
            return
        with self._contents:
            found = list(islice(search(self._documents, words), SHOWN))
            ui.label(_count(len(found))).classes('soft').props('role=status')
            for hit in found:
                _show_found(hit)


def _count(number: int) -> str:
    if number == SHOWN:
        return f'The first {SHOWN} sections'
    return 'No section has all these words.' if not number else '1 section' if number == 1 else f'{number} sections'


def _show_found(hit: Found) -> None:
    section, document = hit.section, hit.document
    title = document.title if not section.anchor else f'{document.title}: {section.title}'
    ui.link(title, f'{document.name}#{section.anchor}' if section.anchor else document.name)
    ui.label(hit.excerpt).classes('soft').style('padding:0 8px 6px')
