"""Lines that outlive their container: recorded, sealed into files, found again, and forgotten in time."""

from dashboard.store.reading import Page, Place, Reading, Wanted
from dashboard.store.search import Found, Search
from dashboard.store.store import Health, Kept, Store, Usage

__all__ = [
    'Found',
    'Health',
    'Kept',
    'Page',
    'Place',
    'Reading',
    'Search',
    'Store',
    'Usage',
    'Wanted',
]
