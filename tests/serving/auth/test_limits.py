"""Allowances over a clock that is moved by hand; the provider's keys and the book of keys under a flood of made-up ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.errors import StoreError
from findata_resources.stores.api_keys import ApiKey
from findata_serving.auth.keyring import BookUnavailable, KeyRefused, KeyRing
from findata_serving.auth.keys import KeyText, new_key
from findata_serving.auth.limits import Allowances
from findata_serving.auth.signing_keys import ProviderAnswer, ProviderUnavailable, SigningKeys, usable_keys
from tests.serving.auth.tampered import Signer

NOW = datetime(2022, 6, 1, 12, tzinfo=UTC)
SIGNER = Signer("https://login.example", "https://findata.example", int(NOW.timestamp()))


class Moved:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_sixty_a_minute_are_ten_at_once_and_then_one_a_second() -> None:
    clock = Moved()
    allowances = Allowances(60, clock)
    assert [allowances.take("a").is_given for _ in range(11)] == [True] * 10 + [False]  # type: ignore[union-attr]
    assert allowances.take("a").wait_seconds == 1  # type: ignore[union-attr]
    assert allowances.take("b").left == 9  # type: ignore[union-attr]  # another caller has its own
    clock.seconds += 1
    assert [allowances.take("a").is_given for _ in range(2)] == [True, False]  # type: ignore[union-attr]
    clock.seconds += 3600
    assert allowances.take("a").left == 9  # type: ignore[union-attr]  # a bucket holds no more than it holds


def test_no_limit_means_none() -> None:
    assert Allowances(0, Moved()).take("a") is None


def test_callers_beyond_the_most_push_out_who_asked_longest_ago() -> None:
    allowances = Allowances(6, Moved(), most_callers=3)
    for who in ("a", "b", "c", "a", "d"):
        allowances.take(who)
    assert len(allowances) == 3
    assert allowances.take("a").is_given is False  # type: ignore[union-attr]  # remembered
    assert allowances.take("b").is_given is True  # type: ignore[union-attr]  # forgotten


@given(st.integers(1, 6000), st.lists(st.floats(0, 30, allow_nan=False, width=32), min_size=1, max_size=200))
def test_nobody_gets_more_than_the_burst_and_what_time_brings(
    per_minute: int, pauses_seconds: list[float]
) -> None:
    clock = Moved()
    allowances = Allowances(per_minute, clock)
    given_out = 0
    for pause_seconds in pauses_seconds:
        clock.seconds += pause_seconds
        given_out += allowances.take("a").is_given  # type: ignore[union-attr]
    assert given_out <= allowances.burst + sum(pauses_seconds) * per_minute / 60 + 1e-6


class Login:
    """A provider in this process that counts what it is asked, and may be down."""

    def __init__(self, clock: Moved) -> None:
        self.asked = 0
        self.keys = [SIGNER.public_jwk()]
        self.issuer = SIGNER.issuer
        self.jwks_uri = f"{SIGNER.issuer}/jwks"
        self.is_down = False
        self.more = ""  # bytes that make an answer longer
        self.answers = asyncio.Event()
        self.answers.set()
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.signing_keys = SigningKeys(SIGNER.issuer, client, clock)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += request.url.path == "/.well-known/openid-configuration"
        await self.answers.wait()
        if self.is_down:
            return httpx.Response(502)
        if request.url.path == "/jwks":
            return httpx.Response(200, json={"keys": self.keys, "more": self.more})
        return httpx.Response(200, json={"issuer": self.issuer, "jwks_uri": self.jwks_uri})


def with_login(work: Callable[[Login, Moved], Awaitable[None]]) -> None:
    """Run a test's work in a loop of its own."""

    async def run() -> None:
        clock = Moved()
        login = Login(clock)
        try:
            await work(login, clock)
        finally:
            await login.signing_keys.close()

    asyncio.run(run())


def test_a_thousand_made_up_key_ids_have_the_provider_asked_once() -> None:
    async def work(login: Login, clock: Moved) -> None:
        found = await asyncio.gather(*(login.signing_keys.find(f"made-up-{n}") for n in range(500)))
        found += [await login.signing_keys.find(f"more-{n}") for n in range(500)]
        assert set(found) == {None}
        assert await login.signing_keys.find("first") is not None
        assert login.asked == 1
        clock.seconds += 11
        await asyncio.gather(*(login.signing_keys.find(f"again-{n}") for n in range(500)))
        assert login.asked == 2

    with_login(work)


def test_old_keys_are_fetched_anew_beside_the_requests_and_go_on_while_the_provider_is_down() -> None:
    async def work(login: Login, clock: Moved) -> None:
        await login.signing_keys.find("first")
        login.is_down = True
        clock.seconds += 3600
        for _ in range(20):
            assert await login.signing_keys.find("first") is not None
            await asyncio.sleep(0)
        assert login.asked == 2  # once, beside them; it failed, and is not tried again at once
        with pytest.raises(ProviderUnavailable, match="502") as raised:
            await login.signing_keys.find("perhaps new")
        assert 1 <= raised.value.retry_seconds <= 10
        clock.seconds += 90_000  # more than a day without a word
        with pytest.raises(ProviderUnavailable):
            await login.signing_keys.find("first")
        login.is_down = False
        clock.seconds += 11
        assert await login.signing_keys.find("first") is not None

    with_login(work)


def test_while_the_provider_takes_its_time_known_keys_are_given_and_all_who_wait_share_one_fetch() -> None:
    async def work(login: Login, clock: Moved) -> None:
        await login.signing_keys.find("first")
        login.answers.clear()
        clock.seconds += 11
        waiting = [asyncio.create_task(login.signing_keys.find("second")) for _ in range(50)]
        await asyncio.sleep(0)
        assert await login.signing_keys.find("first") is not None
        waiting[0].cancel()  # a caller who hangs up ends nobody else's waiting
        login.keys.append({**login.keys[0], "kid": "second"})
        login.answers.set()
        assert None not in await asyncio.gather(*waiting[1:])
        assert login.asked == 2

    with_login(work)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "http://login.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"keys": None},
        {"more": "m" * 1_000_000},
    ],
)
def test_a_provider_that_says_something_else_gives_no_keys(wrong: dict[str, Any]) -> None:
    async def work(login: Login, clock: Moved) -> None:
        del clock
        for name, value in wrong.items():
            setattr(login, name, value)
        with pytest.raises(ProviderUnavailable):
            await login.signing_keys.find("first")

    with_login(work)


def test_keys_that_are_for_something_else_or_too_small_are_left_out() -> None:
    good = SIGNER.public_jwk()
    others: list[object] = [
        {**good, "kid": "encrypts", "use": "enc"},
        {**good, "kid": "other algorithm", "alg": "RS512"},
        {**good, "kid": 7},
        {name: value for name, value in good.items() if name != "kid"},
        {**good, "kid": "small", "n": good["n"][:100]},
        {**good, "kid": "broken", "n": "%%%"},
        {"kty": "oct", "kid": "a secret", "k": "c2VjcmV0"},
        {**SIGNER.private_jwk(), "kid": "private"},
        "text",
    ]
    assert set(usable_keys({"keys": [*others, good]})) == {"first"}
    with pytest.raises(ProviderAnswer):
        usable_keys({"keys": "none"})


class Pages:
    """A book of keys that counts how often it is read, and may be away."""

    def __init__(self) -> None:
        self.key = new_key()
        self.read_times = 0
        self.is_away = False
        self.used: list[set[str]] = []
        self.row = ApiKey(self.key.key_id, "", self.key.secret_sha256, ("read:market", "made:up"), NOW, "ann")

    def read(self, used: Any) -> list[ApiKey]:
        self.read_times += 1
        if self.is_away:
            raise StoreError("The database does not answer", "findata up")
        self.used.append(set(used))
        return [self.row]

    def close(self) -> None:
        self.used.append({"closed"})


def test_the_book_is_read_once_a_second_whatever_is_sent_and_keys_go_on_for_a_minute_without_it() -> None:
    async def work() -> None:
        clock, book = Moved(), Pages()
        ring = KeyRing(book, clock)
        for _ in range(300):
            with pytest.raises(KeyRefused):
                await ring.caller_of(KeyText("0" * 12, "0" * 64), NOW)
        assert book.read_times == 1
        caller = await ring.caller_of(book.key, NOW)
        assert (caller.name, caller.scopes) == (book.key.key_id, frozenset({"read:market"}))
        book.is_away = True
        clock.seconds += 50
        assert (await ring.caller_of(book.key, NOW)).name == book.key.key_id
        clock.seconds += 11
        with pytest.raises(BookUnavailable):
            await ring.caller_of(book.key, NOW)
        book.is_away = False
        clock.seconds += 2
        assert (await ring.caller_of(book.key, NOW)).name == book.key.key_id
        await ring.close()
        assert {book.key.key_id} in book.used  # a use that could not be written down was not forgotten
        assert book.used[-1] == {"closed"}

    asyncio.run(work())
