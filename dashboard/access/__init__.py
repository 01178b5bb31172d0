"""Who may come in, what they may do and see, and who did what."""

from dashboard.access.accounts import LIFETIME, Accounts, ensure_admin, require_admin
from dashboard.access.audit import Audit, Event, selecting
from dashboard.access.filters import LONGEST_NAME, SavedFilter, SavedFilters
from dashboard.access.identity import Identity, Role
from dashboard.access.private import look_at_directory
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.session_store import Session
from dashboard.access.sessions import DAYS, NAME_LENGTH
from dashboard.access.store import User
from dashboard.access.tokens import DEVICE_LIFETIME
from dashboard.access.visits import Visit

__all__ = [
    'DAYS',
    'DEVICE_LIFETIME',
    'EVERYTHING',
    'LIFETIME',
    'LONGEST_NAME',
    'NAME_LENGTH',
    'Accounts',
    'Audit',
    'Event',
    'Identity',
    'Role',
    'SavedFilter',
    'SavedFilters',
    'Scope',
    'Session',
    'User',
    'Visit',
    'ensure_admin',
    'look_at_directory',
    'require_admin',
    'selecting',
]
