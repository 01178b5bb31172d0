"""The product's mark: lines of a log. It stands on every page, and as the favicon in the browser's tab."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KEPT = 'max-age=86400'  # a favicon is asked for again and again
_LINES = '<path style="fill:{ink}" d="M10 10h24v4H10zM10 16.5h15v4H10zM10 23h20v4H10zM10 29.5h10v4H10z"/>'


def mark(ground: str = '#1d5fc4', ink: str = '#ffffff') -> str:
    """As an SVG, in colours that CSS knows."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44" aria-hidden="true">'
        f'<rect width="44" height="44" rx="11" style="fill:{ground}"/>{_LINES.format(ink=ink)}</svg>'
    )


async def _favicon(_: Request) -> Response:
    return Response(mark(), media_type='image/svg+xml', headers={'Cache-Control': KEPT})


# browsers ask for this name also where no page tells them: before sign-in, and beside a download
ROUTE = Route('/favicon.ico', _favicon)
