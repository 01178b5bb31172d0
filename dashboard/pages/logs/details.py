"""The panel that shows one line closely: at the side, on a phone as a sheet at the bottom."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from html import escape

from nicegui import ui
from nicegui.events import GenericEventArguments

from dashboard.lines import (
    Field,
    Fields,
    HasLevel,
    HasValue,
    OfContainer,
    OfService,
    OfStream,
    Order,
    Question,
    askable,
    can_be_typed,
    fields_of,
    set_out,
    visible,
)
from dashboard.lines import Tree as Term
from dashboard.model import SECOND, LogLine, Stream
from dashboard.pages.logs.badge import age_words
from dashboard.pages.logs.desk import Desk
from dashboard.pages.logs.link import Link
from dashboard.pages.logs.lookup import Found
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.shell import LOGS
from dashboard.web import path_for

LARGEST = 128 << 10  # bytes of a line that is taken apart for its panel: a longer one would hold up others
MOST_FIELDS = 100  # in the table; the filter knows them all
MOST_LINES = 500  # of an object that is set out
LONGEST_VALUE = 1_000  # characters of a value that are shown
LONGEST_TEXT = 16_384  # characters of the text that are shown
LONGEST_COPY = 1 << 20  # characters
LONGEST_ASKED = 200  # characters of a value that can become a part of the filter
# pages over plain HTTP, but for those of the machine itself, have no clipboard
_COPY = """
const done = () => getHtmlElement(VIEW).act('none', 'Copied.');
const by_hand = () => {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  done();
};
navigator.clipboard ? navigator.clipboard.writeText(text).then(done, by_hand) : by_hand();
"""
_ON_FIELD = (
    "(e) => { const button = e.target.closest('button[data-do]');"
    ' if (button) emit([button.dataset.do, Number(button.dataset.field)]); }'
)
_ON_FACT = _ON_FIELD.replace('Number(button.dataset.field)', 'button.dataset.fact')
_DOING = (('with', '+', 'Only lines of this'), ('without', '−', 'No lines of this'))


class Details(Part):
    """What is known of the line, and what can be done with it."""

    def __init__(self, tab: Tab, desk: Desk) -> None:
        super().__init__(tab)
        self._desk = desk
        self._shown: tuple[Found | None, tzinfo] = (None, UTC)
        with ui.element('aside').classes('details').props('aria-label="Details of the line"') as self._panel:
            with ui.element('div').classes('head'):
                ui.label('Details').classes('subheading').props('role=heading aria-level=2')
                self._age = ui.label().classes('soft')
                close = ui.button(icon='close', on_click=lambda: desk.look_at(None))
                close.props('flat dense round aria-label="Close the details"')
            self._facts = ui.html(sanitize=False).on('click', self._on_fact, js_handler=_ON_FACT)
            with ui.element('div').classes('does'):
                for words, act in (
                    ('Show in context', partial(self._do, 'context')),
                    ('Pin', partial(self._do, 'pin')),
                    ('Copy line', lambda: self._copy(_text(desk.line))),
                    ('Copy message', lambda: self._copy(_message(desk.line))),
                    ('Copy link', self._copy_link),
                ):
                    ui.button(words, on_click=act).props('flat dense no-caps')
            self._fields = ui.html(sanitize=False).on('click', self._on_field, js_handler=_ON_FIELD)
            self._text = ui.html(sanitize=False)
        self._panel.set_visibility(False)

    def refresh(self) -> None:
        """Show another line, when there is one, and how old it is by now."""
        found, zone = self._desk.line, self.tab.told_in
        if (found, zone) != self._shown:
            opens = self._shown[0] is None
            self._shown = (found, zone)
            self._panel.set_visibility(found is not None)
            if found:
                self._facts.set_content(facts(found, zone))
                self._fields.set_content(table(found))
                self._text.set_content(texts(found.line))
            if opens and found:
                view = self.tab.viewer.view
                view.client.run_javascript(f'getHtmlElement({view.id}).reveal();')
        if found:
            self._age.set_text(age_words(max(0, (time.time_ns() - found.line.timestamp) // SECOND)))

    async def _do(self, act: str) -> None:
        if self._desk.line:
            await self._desk.do(act, self._desk.line.cursor)

    def _on_fact(self, event: GenericEventArguments) -> None:
        """What a button at a fact asks for; the browser may say anything."""
        act, name = event.args
        if self._desk.line and (term := fact_terms(self._desk.line).get(str(name))):
            self._desk.ask_for(term, without=act == 'without')

    def _on_field(self, event: GenericEventArguments) -> None:
        """What a button at a field asks for; the browser may say anything."""
        act, number = event.args
        found = self._desk.line
        items = _fields(found.line).items[:MOST_FIELDS] if found else ()
        if not found or not isinstance(number, int) or not 0 <= number < len(items):
            return
        term = terms(items[number : number + 1], found)[0]
        if act == 'copy':
            self._copy(items[number].text)
        elif term and act == 'light':
            self._desk.highlight(term)
        elif term:
            self._desk.ask_for(term, without=act == 'without')

    def _copy_link(self) -> None:
        """To the line among all others."""
        if self._desk.line:
            path = path_for(ui.context.client.request.scope, LOGS)
            link = Link(self.tab.link.service, self.tab.link.tail, at=self._desk.line.cursor)
            self._run(f'const text = location.origin + {json.dumps(f"{path}?{link}")};')

    def _copy(self, text: str) -> None:
        self._run(f'const text = {json.dumps(text[:LONGEST_COPY])};')

    def _run(self, given: str) -> None:
        view = self.tab.viewer.view
        view.client.run_javascript(given + _COPY.replace('VIEW', str(view.id)))


def facts(found: Found, zone: tzinfo) -> str:
    """What is known of a line beside what it says, as HTML."""
    line, lines = found.line, len(found.message.lines)
    time_there = exactly(line, zone)
    known = {
        'Time': time_there,
        'UTC': '' if time_there.endswith('UTC') else line.stamp,
        'Service': visible(_service(line)),
        'Container': f'{visible(line.container.name)} ({line.container.short_id})',
        'Stream': Stream(line.stream).name.lower(),
        'Level': found.message.level.name.lower(),
        'Message': f'{lines:,} lines' if lines > 1 else '',
    }
    asked = fact_terms(found)
    rows = ''.join(
        f'<dt>{name}</dt><dd>{escape(words)}{_asking(name) if name in asked else ""}</dd>'
        for name, words in known.items()
        if words
    )
    return f'<dl class="facts">{rows}</dl>'


def fact_terms(found: Found) -> dict[str, Term]:
    """What asks for a fact, by its name; without those that could not be typed."""
    line = found.line
    asked: dict[str, Term] = {
        'Service': OfService(_service(line)),
        'Container': OfContainer(line.container.name),
        'Stream': OfStream(Stream(line.stream)),
        'Level': HasLevel(Order.IS, found.message.level),
    }
    return {
        name: term for name, term in asked.items() if len(Question(term).text) <= LONGEST_ASKED and can_be_typed(term)
    }


def _service(line: LogLine) -> str:
    return line.container.service.qualified.lstrip(':')


def _asking(name: str) -> str:
    return ''.join(
        f' <button type="button" data-do="{act}" data-fact="{name}" aria-label="{words} {name.lower()}"'
        f' title="{words} {name.lower()}">{sign}</button>'
        for act, sign, words in _DOING
    )


def exactly(line: LogLine, zone: tzinfo) -> str:
    """When a line was written, to the nanosecond, by the clock of a zone."""
    try:
        moment = datetime.fromtimestamp(line.timestamp // SECOND, zone)
    except (ValueError, OverflowError):
        return line.stamp
    return f'{moment:%Y-%m-%d %H:%M:%S}{line.stamp[19:29]} {moment:%Z}'


def table(found: Found) -> str:
    """The fields of a line with their buttons, as HTML."""
    fields = _fields(found.line)
    if len(found.line.record) > LARGEST:
        return '<p class="soft">The line is too long to be taken apart here; the filter knows its fields.</p>'
    if not fields.items:
        return ''
    shown = fields.items[:MOST_FIELDS]
    rows = ''.join(map(_row, range(MOST_FIELDS), shown, terms(shown, found)))
    more = len(fields.items) + fields.more - MOST_FIELDS
    rest = f'<p class="soft">… {more:,} more fields: whole in the download</p>' if more > 0 else ''
    return f'<table aria-label="Fields">{rows}</table>{rest}'


def _row(number: int, field: Field, term: HasValue | None) -> str:
    name = escape(visible(field.name))
    asking = (('with', '+', 'Only lines with'), ('without', '−', 'No lines with'), ('light', '▒', 'Highlight'))
    doing = (*(asking if term else ()), ('copy', 'Copy', 'Copy the value of'))
    buttons = ''.join(
        f'<button type="button" data-do="{act}" data-field="{number}" aria-label="{words} {name}"'
        f' title="{words} this value">{sign}</button>'
        for act, sign, words in doing
    )
    value = escape(_cut(visible(field.text[: 2 * LONGEST_VALUE]), LONGEST_VALUE, len(field.text)))
    return f'<tr><th scope="row">{name}</th><td>{value}</td><td>{buttons}</td></tr>'


def texts(line: LogLine) -> str:
    """What a line says: an object set out, and what was written."""
    content = line.content
    object_ = set_out(content, MOST_LINES) if len(line.record) <= LARGEST else None
    text = content.decode('utf-8', 'replace')
    shown = '\n'.join(map(visible, _cut(object_ or '', LONGEST_TEXT).split('\n')))
    laid = f'<h3>JSON</h3><pre>{escape(shown)}</pre>' if object_ else ''
    raw = escape(_cut(visible(text[: 2 * LONGEST_TEXT]), LONGEST_TEXT, len(text)))
    return f'{laid}<h3>As it was written</h3><pre>{raw}</pre>'


def _cut(text: str, most: int, whole: int = 0) -> str:
    if max(len(text), whole) <= most:
        return text
    return f'{text[:most]}… {max(len(text), whole) - most:,} more characters: whole in the download'


def _fields(line: LogLine) -> Fields:
    return fields_of(line.content if len(line.record) <= LARGEST else b'')


def terms(fields: Sequence[Field], found: Found) -> list[HasValue | None]:
    """What asks for the value of each field, as it is seen; None where that is too long or would not find the line."""
    asked = [HasValue(field.name.lower(), visible(field.text).strip()) for field in fields]
    good = askable((term for term in asked if len(term.value) <= LONGEST_ASKED), found.message)
    return [term if term in good else None for term in asked]


def _text(found: Found | None) -> str:
    return found.line.text if found else ''


def _message(found: Found | None) -> str:
    return found.message.content.decode('utf-8', 'replace') if found else ''
