"""The OpenAPI document is true: made-up requests of every kind get only the answers that it promises."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CheckFunction, load_all_checks, not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi

from dashboard.access.accounts import Accounts
from dashboard.app import create_api
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.timeline.hub import LogHub
from tests.unit.web.test_guard import CHEAP, bearer, serving

load_all_checks()
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
    openapi.negative_data_rejection,
    openapi.ignored_auth,
]


@pytest.fixture(scope='module')
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    accounts = Accounts(tmp_path_factory.mktemp('openapi'), hasher=CHEAP)
    accounts.users.add('ann', 'correct horse')
    engine = ScriptedEngine('demo', 'a test')
    engine.write_many(engine.add('web'), ['one', 'two'])
    app = create_api(LogHub(engine, Settings()), accounts)
    with serving(app, lifespan='on') as url:
        yield SimpleNamespace(app=app, url=url, accounts=accounts)


def test_every_answer_is_one_that_the_document_promises(api, subtests):
    document = schemathesis.openapi.from_dict(api.app.openapi())
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) >= 10
    for operation in operations:

        @settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), operation.as_strategy())
        def ask(fit: schemathesis.Case, any_: schemathesis.Case) -> None:
            if 'service' in (fit.path_parameters or {}):
                fit.path_parameters['service'] = 'web'  # nobody guesses it
            for case in (fit, any_):
                token = api.accounts.issue('ann')  # a new one each time: signing out is one of the requests
                case.call_and_validate(base_url=api.url, headers=bearer(token), checks=CHECKS)

        with subtests.test(msg=operation.label):
            ask()
