"""Against a real provider: its tokens open what their scopes say, its keys rotate, it goes away; tampered tokens open nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from findata_resources.embedded.processes import wait_until
from findata_serving.auth import signing_keys
from tests.monitoring.programs import PATIENCE_SECONDS
from tests.serving.auth.guarded import Guarded, guarded, reasons
from tests.serving.auth.providing import AUDIENCE, Provider, free_port, provider
from tests.serving.auth.tampered import TAMPERED, Signer


def signer_of(port: int, key_id: str = "first", **changes: str) -> Signer:
    return Signer(f"http://127.0.0.1:{port}", AUDIENCE, int(time.time()), key_id, **changes)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return signer_of(free_port())


@pytest.fixture(scope="module")
def running(signer: Signer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    port = int(signer.issuer.rpartition(":")[2])
    with provider(port, [signer], tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def shared(running: Provider, home: Path) -> Iterator[Guarded]:
    with guarded(home, oidc_issuer=running.address, oidc_audience=AUDIENCE) as made:
        yield made


@pytest.fixture
def app(shared: Guarded) -> Guarded:
    shared.reached.clear()
    return shared


def test_a_token_of_the_provider_opens_what_its_scope_says_and_nothing_else(
    app: Guarded, running: Provider
) -> None:
    token = running.token("read:market")
    opened = {path: app.ask(path, token) for path in ("/v1/market", "/v1/rates", "/metrics")}
    assert {path: answer.status_code for path, answer in opened.items()} == {
        "/v1/market": 200,
        "/v1/rates": 403,
        "/metrics": 403,
    }
    assert opened["/v1/market"].text == "token:charts"
    assert 'scope="read:rates"' in opened["/v1/rates"].headers["www-authenticate"]
    assert "read:rates" in opened["/v1/rates"].json()["detail"]
    assert app.reached == {"/v1/market": 1}


def test_a_token_of_two_scopes_opens_both(app: Guarded, running: Provider) -> None:
    token = running.token("read:market read:rates")
    assert [app.ask(path, token).status_code for path in ("/v1/market", "/v1/rates")] == [200, 200]


def test_every_tampered_token_is_refused_alike_and_reaches_nothing(
    app: Guarded, running: Provider, signer: Signer, home: Path
) -> None:
    by = Signer(signer.issuer, signer.audience, int(time.time()), signer.key_id, key=signer.key)
    assert app.ask("/v1/market", by.token()).status_code == 200  # what is tampered with is good
    app.reached.clear()
    before = len(reasons(home).splitlines())
    answers = {}
    for name, make in TAMPERED.items():
        token = make(by)
        answers[name] = app.ask("/v1/market", token)
        assert not token or token not in reasons(home)
    assert {name for name, answer in answers.items() if answer.status_code != 401} == set()
    assert len({answer.content for answer in answers.values()}) == 1
    assert len({answer.headers["www-authenticate"] for answer in answers.values()}) == 1
    assert answers["expired"].headers["content-type"] == "application/problem+json"
    assert not app.reached
    # A line is written when the answer is out already.
    assert wait_until(lambda: len(reasons(home).splitlines()) - before == len(TAMPERED), PATIENCE_SECONDS)
    told = [json.loads(line) for line in reasons(home).splitlines()[before:]]
    assert {line["who"] for line in told} == {"address:127.0.0.1"}
    assert all(line["reason"] and line["path"] == "/v1/market" for line in told)


@pytest.mark.parametrize(
    "shown",
    [
        b"Bearer \xff\xfe",
        "Bearer täglich".encode("latin-1"),
        "Bearer \u202etoken".encode(),
        b"Bearer a\tb.c.d",
    ],
)
def test_what_is_not_ascii_is_refused_alike(app: Guarded, shown: bytes) -> None:
    answer = app.client.get("/v1/market", headers={b"authorization": shown})
    assert (answer.status_code, app.reached) == (401, {})
    assert answer.json()["detail"] == "The token or key was refused"


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "DPoP", "Token", "bearer2"])
def test_another_scheme_is_refused(app: Guarded, running: Provider, scheme: str) -> None:
    answer = app.client.get("/v1/market", headers={"authorization": f"{scheme} {running.token()}"})
    assert (answer.status_code, app.reached) == (401, {})


def test_a_token_in_the_address_opens_nothing(app: Guarded, running: Provider) -> None:
    token = running.token()
    for name in ("access_token", "token", "api_key"):
        assert app.client.get("/v1/market", params={name: token}).status_code == 401
    assert not app.reached


def test_two_tokens_at_once_are_refused(app: Guarded, running: Provider) -> None:
    token = f"Bearer {running.token()}"
    shown = [("authorization", token), ("authorization", token)]
    assert app.client.get("/v1/market", headers=shown).status_code == 401


def test_keys_rotate_while_tokens_of_both_are_good_and_a_withdrawn_key_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "COOL_SECONDS", 0.0)
    port = free_port()
    old, new = signer_of(port, "old"), signer_of(port, "new")
    with guarded(tmp_path, oidc_issuer=old.issuer, oidc_audience=AUDIENCE) as app:
        with provider(port, [old], tmp_path) as running:
            of_old = running.token()
            assert app.ask("/v1/market", of_old).status_code == 200
            assert app.ask("/v1/market", new.token()).status_code == 401
        with provider(port, [new, old], tmp_path) as running:
            of_new = running.token()
            assert app.ask("/v1/market", of_new).status_code == 200
            assert app.ask("/v1/market", of_old).status_code == 200
        with provider(port, [new], tmp_path):
            assert app.ask("/v1/market", signer_of(port, "third").token()).status_code == 401  # it has us ask
            assert app.ask("/v1/market", of_old).status_code == 401
            assert app.ask("/v1/market", of_new).status_code == 200


def test_without_the_provider_keys_at_hand_go_on_and_without_keys_nobody_is_believed(
    running: Provider, tmp_path: Path
) -> None:
    port = free_port()
    gone = signer_of(port)
    with (
        guarded(tmp_path / "one", oidc_issuer=gone.issuer, oidc_audience=AUDIENCE) as known,
        guarded(tmp_path / "two", oidc_issuer=gone.issuer, oidc_audience=AUDIENCE) as unknown,
    ):
        with provider(port, [gone], tmp_path):
            assert known.ask("/v1/market", gone.token()).status_code == 200
        assert known.ask("/v1/market", gone.token()).status_code == 200
        answer = unknown.ask("/v1/market", gone.token())
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:findata:problem:store-away")
        assert 1 <= int(answer.headers["retry-after"]) <= 10
        assert unknown.ask("/live").status_code == 200
        assert not unknown.reached["/v1/market"]
