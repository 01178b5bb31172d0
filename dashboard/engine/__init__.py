"""The only place that knows Docker: the containers of an engine, its events and its log streams."""

from dashboard.engine.about import Readable, try_logs
from dashboard.engine.demo import DemoEngine
from dashboard.engine.docker import DockerEngine
from dashboard.engine.protocol import About, Engine

__all__ = [
    'About',
    'DemoEngine',
    'DockerEngine',
    'Engine',
    'Readable',
    'try_logs',
]
