"""Ask whether a dashboard answers, as the image's health check does: with as few imports as may be."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from dashboard.config import Settings

TIMEOUT = 3.0  # seconds
ANYWHERE = {'0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1'}  # noqa: S104 - compared with, not bound to
MOST = 65_536  # bytes of an answer; whatever listens there may send more


class NotWell(Exception):
    """No dashboard answers, or not well: says so."""


def ask_health(settings: Settings) -> dict[str, Any]:
    """What the dashboard with these settings says of itself; empty when that is no JSON object.

    :raises NotWell: when none answers in a few seconds, or not with 200
    """
    # http.client and not urllib, which would ask the proxy of the environment
    host = ANYWHERE.get(settings.host, settings.host)
    connection = _connection(host, settings)
    try:
        connection.request('GET', f'{settings.base_path}/api/health')
        answer = connection.getresponse()
        body = answer.read(MOST)
    except (OSError, http.client.HTTPException) as error:
        raise NotWell(f'no answer from {host} port {settings.port}: {error}') from None
    finally:
        connection.close()
    if answer.status != 200:
        raise NotWell(f'{host} port {settings.port} answers {answer.status}')
    return _object(body)


def _connection(host: str, settings: Settings) -> http.client.HTTPConnection:
    if settings.tls_cert is None:
        return http.client.HTTPConnection(host, settings.port, timeout=TIMEOUT)
    context = ssl.create_default_context()
    context.check_hostname = False  # the certificate is for the name that others use, and nothing secret is sent
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, settings.port, timeout=TIMEOUT, context=context)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
