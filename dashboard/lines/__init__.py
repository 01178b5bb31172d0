"""What a line says: the text behind its control sequences, the moments people type, and which lines they ask for."""

from dashboard.lines.ansi import PLAIN, Style, rgb, spans, unseen, visible
from dashboard.lines.filter import LineFilter, places
from dashboard.lines.moments import parse_moment
from dashboard.lines.patterns import RefusedPattern, compiled, fixed, reason_of

__all__ = [
    'PLAIN',
    'LineFilter',
    'RefusedPattern',
    'Style',
    'compiled',
    'fixed',
    'parse_moment',
    'places',
    'reason_of',
    'rgb',
    'spans',
    'unseen',
    'visible',
]
