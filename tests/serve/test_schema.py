"""Requests that a fuzzer makes from the OpenAPI description: answered as it says, and never with a 5xx."""

import pytest
from fastapi import FastAPI

from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.service import Service

schemathesis = pytest.importorskip("schemathesis", reason="the extra browser is not installed")
hypothesis = pytest.importorskip("hypothesis", reason="the extra browser is not installed")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(service: Service) -> FastAPI:
    return make_app(service, Setup("test", quiet=True))


def test_no_request_breaks_it(app: FastAPI) -> None:
    from schemathesis import checks

    api = schemathesis.openapi.from_asgi("/openapi.json", app)
    wanted = [
        checks.not_a_server_error,
        schemathesis.checks.CHECKS.get_one("response_schema_conformance"),
        schemathesis.checks.CHECKS.get_one("status_code_conformance"),
        schemathesis.checks.CHECKS.get_one("content_type_conformance"),
    ]
    tried = 0
    for result in api.get_all_operations():
        operation = result.ok()
        slow = list(hypothesis.HealthCheck)

        @hypothesis.settings(max_examples=30, deadline=None, suppress_health_check=slow, database=None)
        @hypothesis.seed(0)
        @hypothesis.given(case=operation.as_strategy())
        def check(case: object) -> None:
            nonlocal tried
            tried += 1
            case.call_and_validate(checks=wanted)  # type: ignore[attr-defined]

        check()
    assert tried > 100
