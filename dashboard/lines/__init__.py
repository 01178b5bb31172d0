"""What a line says: the text behind its control sequences, the moments people type, and which lines they ask for."""

from dashboard.lines.ansi import PLAIN, Style, rgb, spans, unseen, visible
from dashboard.lines.fields import Field, Fields, Kind, fields_of, fields_of_lines
from dashboard.lines.filter import LineFilter, places
from dashboard.lines.levels import Level, level_named, level_of, levels_of
from dashboard.lines.messages import Grouper, Message, Part, beginning, messages_of, surely_begins
from dashboard.lines.moments import parse_moment
from dashboard.lines.patterns import RefusedPattern, compiled, fixed, reason_of

__all__ = [
    'PLAIN',
    'Field',
    'Fields',
    'Grouper',
    'Kind',
    'Level',
    'LineFilter',
    'Message',
    'Part',
    'RefusedPattern',
    'Style',
    'beginning',
    'compiled',
    'fields_of',
    'fields_of_lines',
    'fixed',
    'level_named',
    'level_of',
    'levels_of',
    'messages_of',
    'parse_moment',
    'places',
    'reason_of',
    'rgb',
    'spans',
    'surely_begins',
    'unseen',
    'visible',
]
