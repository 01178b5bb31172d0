"""A browser dashboard for live Docker container logs."""

__version__ = '0.1.0'
