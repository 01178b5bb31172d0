"""What one visitor may see: the services in their scope, and lines without the secrets that are not for them."""

from dashboard.view.finding import Finder
from dashboard.view.lens import Lens, Redactor
from dashboard.view.storage import Pace, Storage
from dashboard.view.view import View, Views

__all__ = [
    'Finder',
    'Lens',
    'Pace',
    'Redactor',
    'Storage',
    'View',
    'Views',
]
