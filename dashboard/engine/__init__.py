"""The only place that knows Docker: the containers of an engine, its events and its log streams."""

from dashboard.engine.demo import DemoEngine
from dashboard.engine.docker import DockerEngine
from dashboard.engine.protocol import Engine

__all__ = [
    'DemoEngine',
    'DockerEngine',
    'Engine',
]
