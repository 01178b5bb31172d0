"""One service's lines in order, live and shared: each container is read once, however many look."""

from dashboard.timeline.beside import Beside, Name, name_of
from dashboard.timeline.catalog import WHOLE, Selection, Target, find_service, find_target, shortest_name
from dashboard.timeline.catchup import Before, removed
from dashboard.timeline.history import History, row_time
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import Marks, is_cursor
from dashboard.timeline.pieces import LastLines, fitting, in_pieces, pieces, weight
from dashboard.timeline.reader import BACKFILL
from dashboard.timeline.resume import LOOK_BACK, LOOK_BACK_TIME
from dashboard.timeline.subscription import BATCH, SKIPPED, Subscription
from dashboard.timeline.timeline import Timeline
from dashboard.timeline.watch import EngineStatus

__all__ = [
    'BACKFILL',
    'BATCH',
    'LOOK_BACK',
    'LOOK_BACK_TIME',
    'SKIPPED',
    'WHOLE',
    'Before',
    'Beside',
    'EngineStatus',
    'History',
    'LastLines',
    'LogHub',
    'Marks',
    'Name',
    'Selection',
    'Subscription',
    'Target',
    'Timeline',
    'find_service',
    'find_target',
    'fitting',
    'in_pieces',
    'is_cursor',
    'name_of',
    'pieces',
    'removed',
    'row_time',
    'shortest_name',
    'weight',
]
