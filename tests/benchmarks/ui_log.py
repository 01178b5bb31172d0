"""The reference: NiceGUI's own log element, one push a line, fed by the same pipe. Started as a program of its own."""

from __future__ import annotations

import os
import sys

import uvicorn
from fastapi import FastAPI
from nicegui import background_tasks, ui

from dashboard.config import Settings
from dashboard.engine.docker import DockerEngine
from dashboard.model import LogLine
from dashboard.timeline.hub import LogHub


def main(port: int, service: str) -> None:
    hub = LogHub(DockerEngine(os.environ), Settings())

    @ui.page('/')
    async def page() -> None:
        log = ui.log(max_lines=5_000).classes('w-full h-screen')

        async def push() -> None:
            async with hub.subscribe(hub.find(service).key, 100) as subscription:
                async for rows in subscription:
                    with log:
                        for row in rows:
                            if isinstance(row, LogLine):
                                log.push(row.text)

        task = background_tasks.create(push())
        ui.context.client.on_delete(task.cancel)

    app = FastAPI()

    @app.get('/api/health')
    async def health() -> dict[str, bool]:
        await hub.asked()
        return {'ok': True}

    app.router.on_startup = []
    ui.run_with(app, show_welcome_message=False)
    inner = app.router.lifespan_context

    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(application: FastAPI):
        async with hub, inner(application):
            yield

    app.router.lifespan_context = lifespan
    uvicorn.run(app, host='127.0.0.1', port=port, log_level='error', timeout_graceful_shutdown=1)


if __name__ == '__main__':
    main(int(sys.argv[1]), sys.argv[2])
