"""What a line says: the text behind its control sequences, the moments people type, and which lines they ask for."""

from dashboard.lines.ansi import PLAIN, Style, rgb, spans, unseen, visible
from dashboard.lines.filter import LineFilter, places
from dashboard.lines.levels import Level, level_named, level_of, levels_of
from dashboard.lines.moments import parse_moment
from dashboard.lines.patterns import RefusedPattern, compiled, fixed, reason_of

__all__ = [
    'PLAIN',
    'Level',
    'LineFilter',
    'RefusedPattern',
    'Style',
    'compiled',
    'fixed',
    'level_named',
    'level_of',
    'levels_of',
    'parse_moment',
    'places',
    'reason_of',
    'rgb',
    'spans',
    'unseen',
    'visible',
]
