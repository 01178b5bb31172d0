"""Rows to HTML: the one place where log text becomes markup, and therefore the one place where it is escaped.

A page puts the result into a block with innerHTML. What can come out is: ``div`` for a row, ``time`` for its stamp,
``b`` for its container, ``i`` for a run of one style, ``mark`` for what the filter found, or with the class ``h3`` the
highlight of that colour, ``em`` for what is left out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from time import monotonic
from typing import Any

from dashboard.lines import PLAIN, Level, Style, places, rgb, sequences, spans, steps, visible
from dashboard.model import Container, Gap, LogLine, Notice, Row, Stream, format_timestamp
from dashboard.pages.logs.allowance import LONGEST_LINE, Allowances
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.highlights import COLOURS, Highlight
from dashboard.pages.logs.labels import HUES, Labels
from dashboard.pages.logs.lighting import DARK as UNLIT
from dashboard.pages.logs.lighting import Light
from dashboard.pages.logs.meaning import Told, told
from dashboard.pages.logs.strands import Place, Strands

PIECE = 0.01  # seconds of work at one go: everybody else waits meanwhile
SEARCHING = 2.0  # seconds in which a flush looks for what to mark; after that nothing is marked
LONGEST_PIECE = 1 << 18  # characters of HTML made at one go
UNFOLDED = 6  # lines of a message that are always shown
WORTH_FOLDING = 3  # lines
EDGE = 5  # pixels at the edge of a line that highlights find
_MOST_RUNS = 500  # with the marks, which a run may split, at most 2,000 elements a line
_MOST_WORK = 10**8  # characters of a line × steps of an expression's program, in which something is looked for
_RUN = re.compile(rb'([^\0])\1*', re.DOTALL)
_MOST_CODES = 20_000  # control sequences of a line in whose whole text a match is looked for
NONE = Labels()


Mark = tuple[int, int, int]  # from where to where, and the colour of the highlight; -1: of the filter


class Renderer:
    """The rows of one flush, a piece at a time.

    Every line is an element ``.l``, and ``data-cursor`` names it: the text of its :class:`~dashboard.model.Cursor`,
    whatever the flush, the filter and the form in which it is shown. One that goes on with a message has the class
    ``h`` as well, and while it is folded away it is inside a ``details``. ``data-h`` has the colours of the highlights
    that find the message. A gap is ``.g`` with ``data-gap``, a notice ``.n``.

    :param rows: how many there are; what they may cost together is shared among them
    :param pattern: of a :class:`~dashboard.lines.Question`, to mark in the visible text; or None
    :param labels: what tells whose each line is, where several containers are merged
    :param clock: tells when they were written, else in UTC
    :param strands: of the view, which know what came before
    :param raw: lines are shown as they were written, not by their fields
    :param highlights: those that are on
    :param lights: which rows they find
    """

    def __init__(
        self,
        rows: int,
        pattern: Any,
        labels: Labels = NONE,
        clock: Clock | None = None,
        strands: Strands | None = None,
        raw: bool = False,
        highlights: Iterable[Highlight] = (),
        lights: Mapping[int, Light] | None = None,
    ) -> None:
        self._pattern = pattern
        self._lights = lights or {}
        self._marking = {item.colour: item.question.pattern for item in highlights if item.question}
        self._labels = labels
        self._clock = clock or Clock()
        self._strands = strands or Strands()
        self._raw = raw
        self._names: dict[str, str] = {}
        self._may = Allowances(rows)
        self._searching = SEARCHING

    def piece(self, rows: Sequence[Row]) -> tuple[int, str]:
        """As many of the first rows as are rendered at one go, at least one; and their HTML."""
        due = monotonic() + PIECE
        parts: list[str] = []
        fold = _Fold()
        size = count = 0
        for row, place in zip(rows, self._strands.look(rows), strict=False):
            html = self._line(row, place) if isinstance(row, LogLine) else _remark(row, self._clock)
            if not (isinstance(row, LogLine) and fold.takes(row, place, html)):
                parts += [fold.end(), html]
            count, size = count + 1, size + len(html)
            if size > LONGEST_PIECE or monotonic() > due:
                break
        self._strands.shown(count)
        return count, ''.join([*parts, fold.end()])

    def _line(self, line: LogLine, place: Place | None) -> str:
        """A line. Its stamp is cut, not parsed, and ends in a space that is hidden with it and copied with it."""
        content = line.content
        stamp, text = escape(line.stamp), content.decode('utf-8', 'replace')
        name = self._name(line.container) if self._labels.needed else ''
        level = place.level if place else Level.UNKNOWN
        begins = place is None or not place.after
        cursor = self._clock.cursor(line)
        light = self._lights.get(id(line), UNLIT)
        named = (f' data-cursor="{cursor}"' if cursor else '') + _edge(light.edge)
        late = ' late' if self._labels.needed and self._strands.is_late(line) else ''
        opening = f'<div class="{_kind(line, level, begins)}{late}"{named}>'
        mark = _LEVEL_MARKS[level] if begins else ''
        time = f'<time title="{stamp}">{self._clock.tell(stamp)} </time>'
        return f'{opening}{mark}{time}{name}{self._body(content, text, light.marks)}</div>'

    def _name(self, container: Container) -> str:
        name = self._names.get(container.id)
        if name is None:
            name = self._names[container.id] = self._labels.html(container)
        return name

    def _body(self, content: bytes, text: str, colours: Sequence[int]) -> str:
        """What a line says, with its colours and marks, cut to what a page can bear."""
        found = self._told(content)
        if found is None:
            if self._pattern is None and not colours and len(text) <= LONGEST_LINE and text.isprintable():
                return escape(text)
            return self._shown(*self._runs(text), text, colours)
        runs, hidden = self._runs(found.message)
        return self._shown([*runs, found.behind], hidden, text, colours) + _left_out(found.more)

    def _told(self, content: bytes) -> Told | None:
        """By its fields, where the reader wants that and the flush can afford it."""
        may = self._may.taken_apart.next()
        if self._raw or len(content) > may:
            return None
        self._may.taken_apart.use(len(content))
        return told(content)

    def _runs(self, text: str) -> tuple[list[tuple[Style, str]], int]:
        """Visible text in its styles, as far as it is looked at; and how many characters are not."""
        examined = text[: self._may.examined.next()]
        codes, end = sequences(examined, self._may.codes.next())
        examined = examined[:end]
        self._may.examined.use(len(examined))
        self._may.codes.use(codes)
        return spans(examined, _MOST_RUNS), len(text) - len(examined)

    def _shown(self, runs: list[tuple[Style, str]], hidden: int, text: str, colours: Sequence[int]) -> str:
        """Runs as HTML; in ``text``, which is the whole line, is looked for what does not fit."""
        whole = ''.join(piece for _, piece in runs)
        shown = whole[:LONGEST_LINE]
        marks = self._marks(shown, colours)
        html = ''.join(_styled(runs, shown, deque(marks)))
        if hidden := hidden + len(whole) - len(shown):
            html += _rest(hidden, not marks and self._is_found(text))
        return html

    def _marks(self, shown: str, colours: Sequence[int]) -> list[Mark]:
        """Where the filter's pattern and those of the highlights fit, as far as that may be looked for and shown."""
        most, found = self._may.marks.next(), list[Mark]()
        wanted = [(self._pattern, -1), *((self._marking[colour], colour) for colour in colours)]
        for pattern, colour in wanted:
            if self._may_look(pattern, shown):
                start = monotonic()
                found += [(*place, colour) for place in places(pattern, shown, most - len(found))]
                self._searching -= monotonic() - start
        self._may.marks.use(len(found))
        return _apart(found, len(shown)) if colours else found

    def _may_look(self, pattern: Any, text: str) -> bool:
        return pattern is not None and self._searching > 0 and len(text) * steps(pattern) <= _MOST_WORK

    def _is_found(self, text: str) -> bool:
        """Whether the pattern fits in the whole line, as far as that may be looked for."""
        if not self._may_look(self._pattern, text):
            return False
        if sequences(text, _MOST_CODES)[0] == _MOST_CODES:
            return False
        start = monotonic()
        found = self._pattern.search(visible(text)) is not None
        self._searching -= monotonic() - start
        return found


def render_rows(
    rows: Sequence[Row], pattern: Any, labels: Labels = NONE, clock: Clock | None = None, raw: bool = False
) -> str:
    """All rows as one string of HTML; see :class:`Renderer`."""
    renderer, html, done = Renderer(len(rows), pattern, labels, clock, raw=raw), '', 0
    while done < len(rows):
        count, piece = renderer.piece(rows[done:])
        html, done = html + piece, done + count
    return html


class _Fold:
    """Gathers the later lines of a long message, which are shown when the reader asks for them."""

    def __init__(self) -> None:
        self._message = -1
        self._kind = ''
        self._lines: list[str] = []

    def takes(self, line: LogLine, place: Place | None, html: str) -> bool:
        """Whether a line goes into the fold that is open; if not, that one is to be ended."""
        if place is None or place.after < UNFOLDED or (self._lines and place.message != self._message):
            return False
        self._message, self._kind = place.message, _tints(line, place.level)
        self._lines.append(html)
        return True

    def end(self) -> str:
        """What was gathered; few lines are not worth a fold."""
        lines, self._lines = self._lines, []
        html = ''.join(lines)
        if len(lines) < WORTH_FOLDING:
            return html
        return f'<details><summary class="{self._kind.strip()}">+ {len(lines):,} lines</summary>{html}</details>'


def _kind(line: LogLine, level: Level, begins: bool) -> str:
    """The classes of a line: beside its tints ``h`` for one that hangs below another."""
    return f'l{_tints(line, level)}{"" if begins else " h"}'


def _tints(line: LogLine, level: Level) -> str:
    """``e`` is of standard error, ``r`` is red."""
    error = line.stream == Stream.STDERR
    red = level >= Level.ERROR or (error and level is Level.UNKNOWN)
    return f'{" e" if error else ""}{" r" if red else ""}'


def _left_out(fields: int) -> str:
    if not fields:
        return ''
    return f'<em> … {fields:,} more {"field" if fields == 1 else "fields"}: whole in the download</em>'


def _styled(runs: list[tuple[Style, str]], shown: str, marks: deque[Mark]) -> Iterator[str]:
    """Each run in its element; past the most that a line may have, the rest is plain."""
    start = 0
    for style, text in runs[:_MOST_RUNS]:
        end = min(start + len(text), len(shown))
        html = _marked(shown, start, end, marks)
        yield html if style is PLAIN or not html else f'<i{_attributes(style)}>{html}</i>'
        start = end
    yield _marked(shown, start, len(shown), marks)


def _edge(colours: Sequence[int]) -> str:
    """The attributes of a line that begins what highlights find, with a strip of each of their colours."""
    if not colours:
        return ''
    strips = (f'inset {round(EDGE * (n + 1) / len(colours))}px 0 var(--h{colour})' for n, colour in enumerate(colours))
    return f' data-h="{" ".join(map(str, colours))}" style="box-shadow:{",".join(strips)}"'


def _apart(marks: list[Mark], length: int) -> list[Mark]:
    """The same without overlaps: of two, the later is on top."""
    painted = bytearray(length)
    for start, end, colour in marks:
        painted[start:end] = bytes([colour + 2]) * (end - start)
    return [(*run.span(), run[1][0] - 2) for run in _RUN.finditer(painted)]


def _marked(shown: str, start: int, end: int, marks: deque[Mark]) -> str:
    """Escaped ``shown[start:end]`` with what of the marks falls into it; the marks that end there are used up."""
    parts = []
    while marks and marks[0][0] < end:
        first, last = max(marks[0][0], start), min(marks[0][1], end)
        colour = marks[0][2]
        opening = '<mark>' if colour < 0 else f'<mark class="h{colour}">'
        parts.append(f'{escape(shown[start:first])}{opening}{escape(shown[first:last])}</mark>')
        start = last
        if marks[0][1] > end:
            break
        marks.popleft()
    return ''.join(parts) + escape(shown[start:end])


def _rest(hidden: int, found: bool) -> str:
    noun = 'character' if hidden == 1 else 'characters'
    match = ', with a <mark>match</mark>' if found else ''
    return f'<em>… {hidden:,} more {noun}{match}: whole in the download</em>'


@lru_cache(maxsize=1024)  # a program shows the same few styles for ever
def _attributes(style: Style) -> str:
    """Classes for what a theme decides; other colours as variables, which the theme bends until they are legible."""
    colours = (('f', style.bg), ('b', style.fg)) if style.inverse else (('f', style.fg), ('b', style.bg))
    classes = [letter for flag, letter in FLAGS.items() if getattr(style, flag)]
    classes += ['v'] if style.inverse and style.fg is None and style.bg is None else []
    values = []
    for target, colour in colours:
        if isinstance(colour, int) and colour < 16:
            classes.append(f'{target}{colour}')
        elif colour is not None:
            values.append(f'--{target}:{rgb(colour) if isinstance(colour, int) else colour}')
    return (f' class="{" ".join(classes)}"' if classes else '') + (f' style="{";".join(values)}"' if values else '')


def _remark(row: Gap | Notice, clock: Clock) -> str:
    if isinstance(row, Gap):
        opens = '' if row.lost else f' role="button" tabindex="0" data-gap="{row.key}"'
        return f'<div class="g"{opens}>⋯ {_missed(row)} {_when(row, clock)}: {escape(visible(row.reason))}</div>'
    stamp = format_timestamp(row.timestamp)
    return f'<div class="n"><time title="{stamp}">{clock.tell(stamp)} </time>{escape(visible(row.text))}</div>'


def _missed(gap: Gap) -> str:
    whose = f' of {escape(visible(gap.service.name))}' if gap.service else ''
    if gap.missed is None:
        return f'an unknown number of lines{whose} missed'
    return f'{gap.missed:,} {"line" if gap.missed == 1 else "lines"}{whose} missed'


def _when(gap: Gap, clock: Clock) -> str:
    """In whole seconds."""
    start, end = (clock.tell(format_timestamp(moment)).partition('.')[0] for moment in (gap.start, gap.end))
    return f'{f"at {start}" if start == end else f"between {start} and {end}"}{clock.zone_name}'


# a mark has a letter for the eye and the word for a screen reader; a copied line has neither
_LEVEL_MARKS = {
    level: f'<span class="m{level}" role="img" aria-label="{level.name.lower()}"></span>' if level else ''
    for level in Level
}
HIGHLIGHTS = ';'.join(f'--h{n}:{colour}' for n, colour in enumerate(COLOURS))  # the same in both themes
FLAGS = {'bold': 'w', 'dim': 'd', 'italic': 'k', 'underline': 'u', 'strike': 's'}
# Each of the 16 colours as text and as background, so that every text is legible (4.5:1) on the log, on the tint of
# an error line and on every background: what a program wrote black on black can be read.
LIGHT = {
    'log': '#ffffff', 'ink': '#1f2328', 'faint': '#57606a', 'error': '#c4242f', 'tint': '#fff4f3',
    'note': '#0a4ba8', 'note-tint': '#eef5ff', 'gap': '#6b4300', 'gap-tint': '#fff6dc',
    'mark': '#ffdf5d', 'on-mark': '#1f2328',
    'f': '#24292f #a0111f #0b5a24 #6b4300 #0a4ba8 #6425bd #055a63 #4b535d '
         '#3d444d #a50e26 #0f5323 #633c01 #0850a6 #7024c4 #04555e #1f2328',
    'b': '#e1e5ea #ffe0dd #d4f7dc #fdeeb8 #dbebff #f0e4ff #cdf3f5 #eef1f4 '
         '#e6eaee #ffe8e5 #dcf9e3 #fff1c4 #e3f0ff #f3e9ff #d8f6f8 #f3f5f7',
}  # fmt: skip
DARK = {
    'log': '#0d1117', 'ink': '#dce3ea', 'faint': '#a3acb8', 'error': '#f85149', 'tint': '#1f1315',
    'note': '#8cbcff', 'note-tint': '#0f1b2d', 'gap': '#e3b341', 'gap-tint': '#221a08',
    'mark': '#f2cc60', 'on-mark': '#0d1117',
    'f': '#a3acb8 #ff938a #56d364 #e3b341 #8cbcff #d8b0ff #56d4dd #dce3ea '
         '#b4bdc8 #ffb3ab #7ee787 #f2cc60 #a5d0ff #e6ccff #8ae8ef #ffffff',
    'b': '#22272e #4a1618 #0f3318 #3a2a08 #102d55 #361a50 #08353a #30363d '
         '#2b3138 #561a1c #133c1d #443209 #13366a #401f5e #0a3f45 #394049',
}  # fmt: skip


def level_colour(level: Level, theme: dict[str, str]) -> str:
    """The colour of a level's mark, which is legible in that theme."""
    name = _LEVEL_COLOURS[level]
    return theme[name] if name in theme else theme['f'].split()[int(name[1:])]


def _variables(theme: dict[str, str]) -> str:
    single = [f'--{name}:{value}' for name, value in theme.items() if len(name) > 1]
    return ';'.join(single + [f'--{name}{n}:{value}' for name in 'fb' for n, value in enumerate(theme[name].split())])


_LEVEL_COLOURS = {
    Level.UNKNOWN: 'faint',
    Level.TRACE: 'faint', Level.DEBUG: 'f6', Level.INFO: 'f4', Level.WARN: 'f3', Level.ERROR: 'f1', Level.FATAL: 'f5',
}  # fmt: skip
_SIXTEEN = '\n'.join(f'.log .f{n}{{color:var(--f{n})}} .log .b{n}{{background:var(--b{n})}}' for n in range(16))
_HUES = '\n'.join(f'.log .c{n}{{color:var(--f{(12, 10, 11, 13, 14, 9, 2, 5)[n]})}}' for n in range(HUES))
_HIGHLIGHTS = '\n'.join(f'.log .h{n} {{ background:var(--h{n}) }}' for n in range(len(COLOURS)))
_LEVEL_LETTERS = '\n'.join(
    f'.log .m{level}::before {{ content:"{level.name[0]}"; color:var(--{_LEVEL_COLOURS[level]}) }}'
    for level in Level
    if level
)
CSS = f"""
.log {{ {HIGHLIGHTS}; {_variables(LIGHT)}; --low:0; --high:.47; --back-low:.92; --back-high:1 }}
.body--dark .log {{ {_variables(DARK)}; --low:.7; --high:1; --back-low:0; --back-high:.3 }}
.log {{ background:var(--log); color:var(--ink); overflow:auto; tab-size:8;
  white-space:pre-wrap; overflow-wrap:anywhere;
  font:13px/1.5 ui-monospace,'Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,monospace }}
.log[data-past]::before, .log[data-end]::after {{ display:block; padding:4px 12px; color:var(--faint);
  text-align:center; font-style:italic }}
.log[data-past]::before {{ content:attr(data-past) }} .log[data-end]::after {{ content:attr(data-end) }}
.log.nowrap {{ white-space:pre; overflow-wrap:normal }}
.log.nostamps time {{ display:none }}
.log > .blk {{ content-visibility:auto }}
.log.nowrap > .blk {{ width:max-content; min-width:100% }}
.log .l, .log .g, .log .n {{ padding:0 12px 0 calc(5px + 4ch); text-indent:-2ch;
  border-left:3px solid transparent; min-height:1.5em; overflow-y:clip }}
.log .e {{ border-left-color:var(--error) }} .log .r {{ background:var(--tint) }}
.log .h {{ padding-left:calc(5px + 6ch) }} .log .h time {{ visibility:hidden }}
@media (max-width:600px) {{ .log .h time {{ display:none }} }}
.log summary {{ padding-left:calc(5px + 4ch); border-left:3px solid transparent; color:var(--f4); cursor:pointer }}
.log summary.e {{ border-left-color:var(--error) }}
.log summary:hover {{ text-decoration:underline }}
.log summary:focus-visible {{ outline:2px solid var(--f4); outline-offset:-2px }}
.log span {{ display:inline-block; width:2ch; margin-left:-2ch; text-indent:0; font-weight:700 }}
{_LEVEL_LETTERS}
.log .g {{ border-left:3px dashed var(--gap); background:var(--gap-tint); color:var(--gap); font-style:italic }}
.log .g[data-gap] {{ cursor:pointer; text-decoration:underline }}
.log .n {{ border-left-color:var(--note); background:var(--note-tint); color:var(--note) }}
.log time, .log em, .log .d {{ color:var(--faint) }}
.log .n time {{ color:inherit }}
.log .late time::before {{ content:'↶ '; color:var(--f3) }}
.log b[data-service] {{ cursor:pointer }} .log b[data-service]:hover {{ text-decoration:underline }}
.log b {{ font-weight:600 }}
.log i {{ font-style:normal }}
.log .w {{ font-weight:700 }} .log .k {{ font-style:italic }}
.log .u {{ text-decoration:underline }} .log .s {{ text-decoration:line-through }}
.log .u.s {{ text-decoration:underline line-through }}
.log .v {{ color:var(--log); background:var(--ink) }}
{_SIXTEEN}
{_HUES}
@supports (color:oklch(from red l c h)) {{
.log i[style*='--f'] {{ color:oklch(from var(--f) clamp(var(--low),l,var(--high)) min(c,.15) h) }}
.log i[style*='--b'] {{ background:oklch(from var(--b) clamp(var(--back-low),l,var(--back-high)) min(c,.06) h) }}
}}
.log mark {{ background:var(--mark); color:var(--on-mark); border-radius:2px }}
{_HIGHLIGHTS}
"""
