"""What a line says: its visible text, level, fields and message; the times people type, and what they ask for."""

from dashboard.lines.ansi import PLAIN, Style, rgb, sequences, spans, unseen, visible
from dashboard.lines.fields import Field, Fields, Kind, fields_of, fields_of_lines
from dashboard.lines.levels import Level, level_named, level_of, levels_named, levels_of
from dashboard.lines.messages import Grouper, Message, Part, beginning, messages_of, surely_begins
from dashboard.lines.moments import parse_moment
from dashboard.lines.objects import set_out
from dashboard.lines.patterns import RefusedPattern, compiled, fixed, reason_of, steps
from dashboard.lines.query import Question, parse, places
from dashboard.lines.sifting import Sifter
from dashboard.lines.tree import (
    And,
    Compares,
    Everything,
    HasField,
    HasLevel,
    HasValue,
    Not,
    OfContainer,
    OfService,
    OfStream,
    Or,
    Order,
    Regex,
    Text,
    Tree,
    all_of,
    any_of,
    none_of,
)
from dashboard.lines.when import parse_when

__all__ = [
    'PLAIN',
    'And',
    'Compares',
    'Everything',
    'Field',
    'Fields',
    'Grouper',
    'HasField',
    'HasLevel',
    'HasValue',
    'Kind',
    'Level',
    'Message',
    'Not',
    'OfContainer',
    'OfService',
    'OfStream',
    'Or',
    'Order',
    'Part',
    'Question',
    'RefusedPattern',
    'Regex',
    'Sifter',
    'Style',
    'Text',
    'Tree',
    'all_of',
    'any_of',
    'beginning',
    'compiled',
    'fields_of',
    'fields_of_lines',
    'fixed',
    'level_named',
    'level_of',
    'levels_named',
    'levels_of',
    'messages_of',
    'none_of',
    'parse',
    'parse_moment',
    'parse_when',
    'places',
    'reason_of',
    'rgb',
    'sequences',
    'set_out',
    'spans',
    'steps',
    'surely_begins',
    'unseen',
    'visible',
]
