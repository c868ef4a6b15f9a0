"""API keys from making to revoking: by the command, in the database, at the gate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_resources.stores import api_keys
from findata_serving.auth import keyring
from findata_serving.auth.keys import KeyText, is_the_key, new_key, parse_key
from tests.cli.conftest import run
from tests.serving.auth.guarded import Guarded, guarded, reasons

MAY_MARKET = ("keys", "create", "--scope", "read:market")


@pytest.fixture
def app(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Guarded]:
    """The gate over a platform's database, which may look into the book as often as it likes."""
    monkeypatch.setattr(keyring, "COOL_SECONDS", 0.0)
    with guarded(tmp_path, database_url=platform.settings.database_url) as made:
        yield made


def created(platform: Platform, *options: str) -> str:
    """Make a key by the command and return what standard output says."""
    told = run(*MAY_MARKET, *options, on=platform)
    assert told.exit_code == 0, told.output
    return str(told.stdout)


def test_a_key_opens_what_its_scopes_say_by_either_header_until_it_is_revoked(
    app: Guarded, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = created(platform, "--name", "grafana").strip()
    key = parse_key(text)
    assert key is not None
    assert app.ask("/v1/market", text).text == f"key:{key.key_id}"
    assert app.ask("/v1/market", **{"x-api-key": text}).status_code == 200
    assert app.ask("/v1/rates", text).status_code == 403
    listed = run("keys", "list", on=platform).stdout
    assert all(word in listed for word in (key.key_id, "grafana", "good"))
    assert key.secret not in listed
    assert run("keys", "revoke", key.key_id, on=platform).exit_code == 0
    monkeypatch.setattr(keyring, "MOST_STALE_SECONDS", -1.0)  # what is at hand is too old: it reads the book
    app.ask("/v1/market", text)
    monkeypatch.setattr(keyring, "MOST_STALE_SECONDS", 60.0)
    assert app.ask("/v1/market", text).status_code == 401
    assert "revoked" in run("keys", "list", on=platform).stdout


def test_only_the_hash_of_a_key_is_kept_anywhere(platform: Platform) -> None:
    key = parse_key(created(platform).strip())
    assert key is not None
    with platform.store.database.transaction() as cursor:
        rows = cursor.execute(sql.SQL("SELECT to_jsonb(k)::text FROM ops.api_keys k")).fetchall()
    whole = "".join(row[0] for row in rows)
    assert (key.secret in whole, hashlib.sha256(key.secret.encode()).hexdigest() in whole) == (False, True)
    told = reasons(platform.settings.home)
    assert (key.secret in told, "key created" in told) == (False, True)
    assert key.secret not in repr(key)


def test_a_key_that_has_expired_opens_nothing(app: Guarded, platform: Platform) -> None:
    key, now = new_key(), datetime.now(UTC)
    expired = api_keys.ApiKey(
        key.key_id, "", key.secret_sha256, ("read:market",), now - timedelta(2), "ann", now - timedelta(1)
    )
    api_keys.add(platform.store.database, expired)
    assert app.ask("/v1/market", key.text).status_code == 401
    assert not app.reached


def test_a_key_with_a_wrong_secret_opens_nothing_and_the_answer_is_that_of_an_unknown_key(
    app: Guarded, platform: Platform
) -> None:
    key = parse_key(created(platform).strip())
    assert key is not None
    answers = [
        app.ask("/v1/market", shown)
        for shown in (
            KeyText(key.key_id, "0" * 64).text,
            KeyText("0" * 12, key.secret).text,
            key.text.upper(),
            key.text[:-1],
            f"{key.text}0",
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert app.ask("/v1/market", **{"x-api-key": "eyJ.eyJ.eyJ"}).status_code == 401
    assert not app.reached


def test_the_day_of_the_last_use_is_written_down(platform: Platform, tmp_path: Path) -> None:
    text = created(platform).strip()
    before = datetime.now(UTC).date()
    with guarded(tmp_path, database_url=platform.settings.database_url) as app:
        assert app.ask("/v1/market", text).status_code == 200
    (key,) = api_keys.listed(platform.store.database)
    assert key.last_used_date is not None
    assert before <= key.last_used_date <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("create", "--scope", "write:market"), "is no scope"),
        (("create",), "Missing option '--scope'"),
        (("create", "--scope", "admin", "--expires", "2020-01-01"), "has begun already"),
        (("create", "--scope", "admin", "--expires", "soon"), "does not match the format"),
        (("create", "--scope", "admin", "--name", "a\x07b"), "no name for a key"),
        (("revoke", "0123456789ab"), "there is no key of that id"),
        (("revoke", "fdk_0123456789ab_secret"), "findata keys revoke 0123456789ab"),
    ],
)
def test_what_can_not_be_is_refused_with_what_to_do(
    platform: Platform, options: tuple[str, ...], words: str
) -> None:
    told = run("keys", *options, on=platform)
    assert (told.exit_code, words in told.output) == (2, True), told.output


def test_without_the_database_a_key_is_neither_believed_nor_called_wrong(tmp_path: Path) -> None:
    with guarded(tmp_path) as app:
        answer = app.ask("/v1/market", new_key().text)
    assert (answer.status_code, json.loads(answer.content)["type"]) == (503, "urn:findata:problem:store-away")


def test_a_hash_proves_its_own_secret_alone() -> None:
    key, other = new_key(), new_key()
    assert is_the_key(key, hashlib.sha256(key.secret.encode()).hexdigest())
    assert not is_the_key(key, other.secret_sha256)
    assert not is_the_key(key, None)
    assert not is_the_key(key, "")
    assert parse_key(key.text) == key


@pytest.mark.parametrize("text", ["", "fdk_", "fdk__", "fdk_x_y", "sk_0123456789ab_" + "0" * 64])
def test_what_has_not_the_form_of_a_key_is_none(text: str) -> None:
    assert parse_key(text) is None
