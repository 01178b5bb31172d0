"""The only place that knows Docker: the containers of an engine, its events and its log streams."""

from dashboard.engine import sdk  # noqa: F401 - before all others that import the SDK

# isort: split
from dashboard.engine.about import Readable, try_logs
from dashboard.engine.demo import DemoEngine
from dashboard.engine.docker import DockerEngine
from dashboard.engine.listing import is_recorded
from dashboard.engine.protocol import About, Engine

__all__ = [
    'About',
    'DemoEngine',
    'DockerEngine',
    'Engine',
    'Readable',
    'is_recorded',
    'try_logs',
]
