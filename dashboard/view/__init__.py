"""What one visitor may see: the services in their scope, and lines without the secrets that are not for them."""

from dashboard.view.lens import Lens, Redactor
from dashboard.view.view import View, Views

__all__ = [
    'Lens',
    'Redactor',
    'View',
    'Views',
]
