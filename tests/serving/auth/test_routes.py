"""The real app behind the gate: which scope opens which path, kept answers too; nothing but the page and its health is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from findata_assets.steps.platform import Platform
from findata_resources.environment import load_settings
from findata_resources.stores.api_keys import ApiKey
from findata_serving import auth
from findata_serving.app import create_app
from findata_serving.auth.gate import OPEN_PATHS
from findata_serving.auth.keys import KeyText, new_key
from tests.serving.auth.guarded import serving

CANDLES = "/v1/instruments/MSFT.XNAS/candles"
SETTLED = {"interval": "1h", "start": "2022-05-19", "end": "2022-05-20", "settled": "true"}


class Three:
    """A book with a key for each scope, that needs no database."""

    keys: ClassVar = {scope: new_key() for scope in ("read:market", "read:rates", "admin")}

    def __init__(self, *_: Any) -> None:
        pass

    def read(self, used: Any) -> list[ApiKey]:
        del used
        now = datetime(2022, 6, 1, tzinfo=UTC)
        return [
            ApiKey(key.key_id, scope, key.secret_sha256, (scope,), now, "ann")
            for scope, key in self.keys.items()
        ]

    def close(self) -> None:
        pass


@contextmanager
def asked(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[httpx.Client]:
    """Yield a client of the real app, which knows three keys."""
    monkeypatch.setattr(auth, "DatabaseBook", Three)
    made = load_settings(**{"_env_file": None, **settings})
    with (
        serving(create_app(made), made) as address,
        httpx.Client(base_url=address, timeout=30, trust_env=False) as client,
    ):
        yield client


def needed(path: str) -> str:
    """Return the scope that docs/serving.md says a path needs; "" where any will do."""
    if path.startswith(("/v1/rates", "/v1/series")):
        return "read:rates"
    return {"/metrics": "admin", "/openapi.json": ""}.get(path, "read:market")


def shown(key: KeyText) -> dict[str, str]:
    return {"x-api-key": key.text}


def test_every_path_needs_the_scope_that_is_documented_and_that_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = create_app(load_settings(home=tmp_path, _env_file=None)).openapi()["paths"]
    assert described["/live"]["get"]["security"] == []
    paths = sorted({*described, "/openapi.json", "/metrics"} - OPEN_PATHS)
    assert {needed(path) for path in paths} == {"read:market", "read:rates", "admin", ""}
    with asked(monkeypatch, home=tmp_path) as client:
        for path in paths:
            address = path.replace("{", "").replace("}", "")
            assert client.get(address).status_code == 401, path
            for scope, key in Three.keys.items():
                is_open = client.get(address, headers=shown(key)).status_code not in {401, 403}
                assert is_open == (needed(path) in {scope, ""}), (path, scope)


def test_a_kept_answer_is_given_to_nobody_who_might_not_have_asked_for_it(
    loaded_sample: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = loaded_sample.settings.model_dump(include=loaded_sample.settings.model_fields_set)
    with asked(monkeypatch, **named) as client:
        may, may_not = shown(Three.keys["read:market"]), shown(Three.keys["read:rates"])
        answers = [client.get(CANDLES, params=SETTLED, headers=may) for _ in range(4)]
        assert {answer.status_code for answer in answers} == {200}
        tag = {"if-none-match": answers[-1].headers["etag"]}
        assert client.get(CANDLES, params=SETTLED, headers=may | tag).status_code == 304
        for more in ({}, tag):
            assert client.get(CANDLES, params=SETTLED, headers=may_not | more).status_code == 403
            assert client.get(CANDLES, params=SETTLED, headers=more).status_code == 401
        kept = client.get("/metrics", headers=shown(Three.keys["admin"])).text
    assert "findata_serving_kept_hits 0.0" not in kept  # what was asked again was kept
    assert all("private" in answer.headers["cache-control"] for answer in answers)
