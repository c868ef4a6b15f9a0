"""Whatever the description of the API allows, and what it does not, is answered as it says, and never by a 500."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from findata_resources.environment import load_settings
from findata_serving.app import create_app

EXAMPLES = 15  # a route and mode
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Names and times that are stored, so that routes answer with rows more often than with problems.
KNOWN: dict[str, tuple[Any, ...]] = {
    "instrument_id": ("MSFT.XNAS", "AZN.XLON", "9988.XHKG"),
    "rate": ("SOFR",),
    "mic": ("XNAS", "XHKG"),
    "symbol": ("MSFT.XNAS", "XHKG:9988"),
    "start": ("2022-05-23", "2022-06-01T13:30:00Z", None),
    "end": ("2022-06-10", "2022-06-03T14:00:00+00:00", None),
    "as_of": ("2022-06-16T00:00:00Z", None),
    "vintage_date": ("2022-06-01", None),
    "event_time": ("2022-06-01T13:30:00Z", "2022-06-01"),
    "cursor": (None,),
    "from": (1_653_264_000,),
    "to": (1_655_399_000,),
    "limit": (1, 7, 500),
}
DESCRIBED: dict[str, Any] = create_app(
    load_settings(home=Path("/nonexistent"), serving_auth="off", _env_file=None)
).openapi()
ENDLESS = {"/v1/stream"}  # what it refuses is in tests/stream
ROUTES = sorted({*DESCRIBED["paths"]} - ENDLESS)
SCHEMA = schemathesis.openapi.from_dict(DESCRIBED)
REPEATABLE = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def test_every_route_is_read_with_get_and_says_what_it_answers() -> None:
    for path, methods in DESCRIBED["paths"].items():
        assert list(methods) == ["get"], path
        assert methods["get"]["summary"], path
        assert "200" in methods["get"]["responses"], path


@pytest.mark.parametrize("path", ROUTES)
def test_questions_that_the_description_allows_are_answered_as_it_says(
    path: str, client: httpx.Client
) -> None:
    _ask(path, client, GenerationMode.POSITIVE, known_share=3)


@pytest.mark.parametrize("path", ROUTES)
def test_questions_that_it_does_not_allow_are_refused_as_it_says(path: str, client: httpx.Client) -> None:
    asked = DESCRIBED["paths"][path]["get"].get("parameters", ())
    if any(parameter["in"] == "query" for parameter in asked):  # every text may be a part of a path
        _ask(path, client, GenerationMode.NEGATIVE, known_share=1)


def _ask(path: str, client: httpx.Client, mode: GenerationMode, known_share: int) -> None:
    operation = SCHEMA[path]["GET"]

    @REPEATABLE
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: Any) -> None:
        for values in (case.path_parameters, case.query):
            for name in list(values or {}):
                if name in KNOWN and data.draw(st.integers(0, 3)) < known_share:
                    values[name] = data.draw(st.sampled_from(KNOWN[name]))
                    if values[name] is None:
                        del values[name]
        answer = case.call_and_validate(base_url=str(client.base_url), checks=CHECKS)
        assert answer.status_code != 503  # no question takes too long, and no store is away

    ask()
