"""What every request passes and every answer carries, whoever asks; and what is written down of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from findata_core.errors import ConfigurationError
from findata_resources.embedded.processes import wait_until
from findata_resources.environment import load_settings
from findata_resources.loopback import host_of, is_loopback
from findata_resources.tracing import JsonLines
from findata_serving import auth
from findata_serving.auth.audit import KEPT_FILES, MOST_BYTES, AuditFile
from findata_serving.auth.gate import CONTENT_SECURITY_POLICY
from findata_serving.auth.limits import Allowances
from tests.serving.auth.guarded import Guarded, guarded, reasons

OFF = {"serving_auth": "off"}
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def open_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """An app that asks nobody who they are."""
    with guarded(tmp_path_factory.mktemp("open"), **OFF) as made:
        yield made


@pytest.fixture(scope="module")
def closed_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """An app that asks everybody."""
    with guarded(tmp_path_factory.mktemp("closed")) as made:
        yield made


@pytest.fixture
def app(open_app: Guarded) -> Guarded:
    """The open app, which nobody has reached yet."""
    open_app.reached.clear()
    return open_app


@pytest.fixture
def closed(closed_app: Guarded) -> Guarded:
    """The closed app, which nobody has reached yet."""
    closed_app.reached.clear()
    return closed_app


def test_closed_is_all_that_is_not_open_also_where_a_route_forgot_to_ask(closed: Guarded) -> None:
    paths = ("/", "/static/page.js", "/live", "/v1/market", "/v1/forgotten", "/nowhere", "/openapi.json")
    statuses = {path: closed.ask(path).status_code for path in paths}
    assert statuses == {
        "/": 200,
        "/static/page.js": 200,
        "/live": 200,
        "/v1/market": 401,
        "/v1/forgotten": 401,
        "/nowhere": 401,
        "/openapi.json": 401,
    }
    assert set(closed.reached) == {"/", "/static/page.js", "/live"}


@pytest.mark.parametrize(
    "path",
    ["//v1/market", "/static/../v1/market", "/static/%2e%2e/v1/market", "/live/", "/live?x=/v1/market"],
)
def test_no_spelling_of_a_path_leads_around_the_gate(closed: Guarded, path: str) -> None:
    answer = closed.ask(path)
    assert answer.status_code in {200, 401, 404}
    assert set(closed.reached) <= {"/live"}


def test_who_shows_nothing_is_told_what_to_show(closed: Guarded) -> None:
    answer = closed.ask("/v1/market")
    assert answer.headers["www-authenticate"] == 'Bearer realm="findata"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert "findata keys create" in answer.json()["next_step"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8642", "LOCALHOST", "[::1]:8642", "127.0.0.9"])
def test_without_authentication_names_of_the_loopback_are_answered(app: Guarded, host: str) -> None:
    assert app.ask("/v1/market", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "[::1", "x:y:z"],
)
def test_without_authentication_another_name_is_not_answered(app: Guarded, host: str) -> None:
    answer = app.ask("/v1/market", host=host)
    assert (answer.status_code, app.reached) == (421, {})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_get_is_answered(app: Guarded, method: str) -> None:
    answer = app.client.request(method, "/v1/market")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_body_is_refused_without_being_read(app: Guarded) -> None:
    assert app.client.request("GET", "/v1/market", content=b"x" * 100).status_code == 400
    assert app.client.request("GET", "/v1/market", content=iter([b"x"])).status_code == 400
    assert app.client.request("GET", "/v1/market", headers={"content-length": "0"}).status_code == 200


def test_long_addresses_and_headers_are_refused_by_name(app: Guarded) -> None:
    assert app.ask(f"/v1/market?q={'a' * 9000}").json()["type"].endswith("too-long")
    assert app.ask(f"/v1/market?q={'a' * 9000}").status_code == 414
    assert app.ask("/v1/market", more="a" * 20_000).status_code == 431
    assert app.ask(f"/v1/market?q={'a' * 8000}").status_code == 200


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the limits: else one that may be asked every five seconds comes while a busy machine asks."""
    monkeypatch.setattr(auth, "Allowances", lambda per_minute, _clock: Allowances(per_minute, lambda: 0.0))


@pytest.mark.usefixtures("no_time_passes")
def test_who_asks_too_much_is_told_when_to_come_back_and_others_are_not_kept_from_asking(
    tmp_path: Path,
) -> None:
    with guarded(tmp_path, **OFF, serving_requests_per_minute=12) as app:
        answers = [app.ask("/v1/market") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"caller";q=2;w=10'
        assert [answer.headers["ratelimit"] for answer in answers[:2]] == [
            '"caller";r=1;t=0',
            '"caller";r=0;t=0',
        ]
        wait_seconds = int(answers[2].headers["retry-after"])
        assert 1 <= wait_seconds <= 5  # one comes in five seconds
        assert answers[2].headers["ratelimit"] == f'"caller";r=0;t={wait_seconds}'
        assert answers[2].json()["status"] == 429
        assert app.ask("/live").status_code == 200  # whoever restarts the server asks it
        assert app.reached["/v1/market"] == 2


@pytest.mark.usefixtures("no_time_passes")
def test_guessing_is_limited_by_address(tmp_path: Path) -> None:
    with guarded(tmp_path, serving_requests_per_minute=12) as app:
        statuses = [app.ask("/v1/market", f"guess-{number}").status_code for number in range(4)]
    assert statuses == [401, 401, 429, 429]
    assert len(reasons(tmp_path).splitlines()) == 2


def test_every_answer_says_what_a_browser_may_do_with_it(app: Guarded, closed: Guarded) -> None:
    for answer in (
        app.ask("/"),
        app.ask("/nowhere"),
        closed.ask("/v1/market"),
        app.ask("/", host="a.example"),
    ):
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


def test_pages_of_other_origins_read_nothing_unless_they_are_named(app: Guarded, tmp_path: Path) -> None:
    named, other = "https://charts.example.com", "https://evil.example"
    assert "access-control-allow-origin" not in app.ask("/v1/market", origin=named).headers
    with guarded(tmp_path, serving_origins=named) as opened:
        asked = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
        before = opened.client.options("/v1/market", headers={"origin": named, **asked})
        assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, named)
        assert "authorization" in before.headers["access-control-allow-headers"].lower()
        assert opened.client.options("/v1/market", headers={"origin": other, **asked}).status_code == 400
        refused = opened.ask("/v1/market", origin=named)  # its page must be able to read why
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, named)
        assert "access-control-allow-origin" not in opened.ask("/v1/market", origin=other).headers
        assert "access-control-allow-credentials" not in refused.headers


def test_of_a_proxy_that_is_believed_the_clients_address_counts_and_of_others_their_own(
    tmp_path: Path,
) -> None:
    told = {"x-forwarded-for": "203.0.113.9"}
    for name, proxies in (("believing", "127.0.0.1"), ("wary", "")):
        with guarded(tmp_path / name, serving_proxies=proxies) as app:
            assert app.ask("/v1/market", "no token", **told).status_code == 401
    lines = [json.loads(reasons(tmp_path / name)) for name in ("believing", "wary")]
    assert [line["address"] for line in lines] == ["203.0.113.9", "127.0.0.1"]


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host"])
def test_without_authentication_nothing_is_answered_through_a_proxy(app: Guarded, name: str) -> None:
    answer = app.ask("/v1/market", **{name: "127.0.0.1"})
    assert (answer.status_code, app.reached) == (421, {})
    assert "proxy" in answer.json()["detail"]


def test_a_request_is_told_in_a_line_of_json_without_what_was_asked_behind_the_path(
    app: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "findata.serving.requests")
    # A line is written when the answer is out already: those of earlier tests come before the one of this request.
    app.ask("/live")
    assert wait_until(lambda: "/live" in caplog.text, PATIENCE_SECONDS)
    caplog.clear()
    app.ask("/v1/market?q=secret", authorization="Bearer secret")
    app.ask("/v1/market%0a", host="127.0.0.1")
    assert wait_until(lambda: len(caplog.records) == 2, PATIENCE_SECONDS)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    first = lines[0]
    assert (first["who"], first["method"], first["path"]) == ("anybody:127.0.0.1", "GET", "/v1/market")
    assert (first["status"], first["bytes"]) == (200, len("anybody:127.0.0.1"))
    assert first["milliseconds"] >= 0
    assert "secret" not in json.dumps(lines)
    assert lines[1]["path"] == "/v1/market%0a"


def test_the_audit_file_is_its_owners_alone_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("findata_serving.auth.audit.MOST_BYTES", 1000)
    file = AuditFile(tmp_path)
    for number in range(1000):
        file.write({"number": number})
    file.close()
    written = list((tmp_path / "logs").iterdir())
    assert len(written) == 1 + KEPT_FILES
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert max(path.stat().st_size for path in written) <= 1000 < MOST_BYTES
    assert '"number": 999' in file.path.read_text()


def test_a_disk_that_takes_nothing_stops_no_request(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with guarded(tmp_path) as app:
        assert app.ask("/v1/market", "no token").status_code == 401


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**OFF, "serving_address": "0.0.0.0"}, "findata keys create"),
        ({**OFF, "serving_address": "findata.example"}, "leave the address at 127.0.0.1"),
        ({"oidc_issuer": "https://login.example"}, "go together"),
        ({"oidc_audience": "findata"}, "go together"),
        ({"oidc_issuer": "http://login.example", "oidc_audience": "findata"}, "must begin with https"),
        ({"oidc_issuer": "login.example", "oidc_audience": "findata"}, "must begin with https"),
        ({"serving_origins": "*"}, "is no origin"),
        ({"serving_origins": "https://a.example/page"}, "is no origin"),
        ({"serving_proxies": "proxy.example"}, "is no address or network"),
        ({"serving_port": 3000}, "must differ"),
        ({"serving_auth": "none"}, "FINDATA_SERVING_AUTH"),
    ],
)
def test_settings_that_would_let_others_in_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_settings(_env_file=None, **settings)


def test_an_issuer_is_kept_to_the_letter_and_several_origins_are_taken() -> None:
    made = load_settings(
        _env_file=None,
        oidc_issuer="https://login.example/",
        oidc_audience="findata",
        serving_origins="https://b.example, http://a.example:8080",
        serving_address="::1",
        **OFF,
    )
    assert made.oidc_issuer == "https://login.example/"
    assert made.serving_origins == "http://a.example:8080,https://b.example"


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("a", "a"),
        ("a:1", "a"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("a:", ""),
        ("a:b", ""),
        ("[::1]x", ""),
    ],
)
def test_the_host_of_an_authority(authority: str, host: str) -> None:
    assert host_of(authority) == host


def test_names_of_this_machine() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(
        map(is_loopback, ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "example", "127.1"))
    )
