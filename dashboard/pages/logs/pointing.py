"""What a mouse or finger does on the strip of bars, in the browser: a click at a bar, a drag over some, a double click.

A drag goes from one bar's column to another, and is drawn by CSS alone. A click waits whether it becomes a double one.
Both send the names of bars; a double click sends none. Clicks are told by where the pointer goes down and up: there is
no ``click`` where the bars are drawn anew in between.
"""

from __future__ import annotations

DRAG = 6  # pixels: what is less is a click
WAIT = 250  # milliseconds in which a click becomes a double one before it does anything
DOUBLE = 500  # and in which it does at all
CSS = """
.strip .nicegui-echart { touch-action:pan-y }
.strip .dragged::after { content:''; position:absolute; top:0; bottom:0; left:var(--left); width:var(--width);
  background:var(--q-primary); opacity:.25; pointer-events:none }
"""
# Not the bar is pointed at, which may be a pixel high, but its column.
_AT = (
    'const b = e.currentTarget, x = e.clientX - b.getBoundingClientRect().left, c = getElement(ID)?.chart;'
    ' const names = c?.getOption()?.xAxis?.[0]?.data ?? [];'
    ' const at = x => names[Math.max(0, Math.min(names.length - 1, c.convertFromPixel({xAxisIndex: 0}, x)))];'
)
_ON = {
    'pointerdown': '(e) => { %s if (!e.button) { b.from = x; b.setPointerCapture(e.pointerId); } }',
    'pointermove': (
        '(e) => { %s if (b.from == null || (!b.matches(".dragged") && Math.abs(x - b.from) < DRAG)) return;'
        ' b.classList.add("dragged"); b.style.setProperty("--left", `${Math.min(x, b.from)}px`);'
        ' b.style.setProperty("--width", `${Math.abs(x - b.from)}px`); }'
    ),
    'pointerup': (
        '(e) => { %s const from = b.from; b.from = null; if (from == null || !names.length) return;'
        ' const dragged = b.matches(".dragged"), again = e.timeStamp - (b.up ?? -DOUBLE) < DOUBLE;'
        ' b.classList.remove("dragged"); clearTimeout(b.waits); b.up = dragged || again ? undefined : e.timeStamp;'
        ' if (dragged) return emit([at(Math.min(x, from)), at(Math.max(x, from))]); if (again) return emit([]);'
        ' const name = at(x); b.waits = setTimeout(() => emit([name]), WAIT); }'
    ),
    'pointercancel': '(e) => { e.currentTarget.from = null; e.currentTarget.classList.remove("dragged"); }',
}


def handlers(chart: int) -> dict[str, str]:
    """The handlers of the browser's events, by their names, for the chart of that id."""
    at = _AT.replace('ID', str(chart))
    return {
        event: handler.replace('%s', at)
        .replace('DRAG', str(DRAG))
        .replace('WAIT', str(WAIT))
        .replace('DOUBLE', str(DOUBLE))
        for event, handler in _ON.items()
    }
