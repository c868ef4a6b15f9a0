"""Tokens by themselves: which are taken, and that whatever is wrong with one has it refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_serving.auth.scopes import Caller, scopes_of
from findata_serving.auth.tokens import TokenRefused, caller_of, key_id_of
from tests.serving.auth.tampered import TAMPERED, Signer

NOW = datetime(2022, 6, 1, 12, tzinfo=UTC)
SIGNER = Signer("https://login.example", "https://findata.example", int(NOW.timestamp()))


def judged(token: str) -> Caller:
    """Judge a token as the server does with the one key that there is."""
    if key_id_of(token) != SIGNER.key_id:
        raise TokenRefused("no such key")
    return caller_of(token, SIGNER.key.public_key(), SIGNER.issuer, SIGNER.audience, NOW)


def test_a_good_token_speaks_for_its_subject_with_the_scopes_that_findata_knows() -> None:
    token = SIGNER.token(claims=SIGNER.claims(scope="openid read:market write:market"))
    assert judged(token) == Caller("charts", "token", frozenset({"read:market"}))


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_token_is_refused(name: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        judged(TAMPERED[name](SIGNER))
    assert "." not in str(refused.value)  # it holds nothing of the token


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["https://other.example", SIGNER.audience]},
        {"exp": SIGNER.now - 15},  # clocks differ
        {"iat": SIGNER.now + 15},
        {"nbf": SIGNER.now},
        {"exp": SIGNER.now + 0.5},
        {"sub": None, "client_id": "charts"},
        {"sub": None, "azp": "charts"},
    ],
)
def test_what_standards_allow_is_taken(claims: dict[str, object]) -> None:
    assert judged(SIGNER.token(claims=SIGNER.claims(**claims))).name == "charts"


@pytest.mark.parametrize("kind", [None, "JWT", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_types_of_access_tokens_are_taken(kind: str | None) -> None:
    assert judged(SIGNER.token(SIGNER.header(typ=kind))).name == "charts"


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read:market read:rates"}, {"read:market", "read:rates"}),
        ({"scp": "read:rates"}, {"read:rates"}),
        ({"scp": ["read:rates", 7, "admin"]}, {"read:rates", "admin"}),
        ({"scope": "read:market", "scp": ["read:rates"]}, {"read:market", "read:rates"}),
        ({"scope": "read:market,read:rates"}, set()),
        ({"scope": "READ:MARKET"}, set()),
        ({"scope": {"read:market": True}}, set()),
        ({"scope": None}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_words_of_scope_and_scp(claims: dict[str, object], scopes: set[str]) -> None:
    assert scopes_of(claims) == scopes


@given(st.text(max_size=300))
def test_no_text_is_anything_but_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        judged(text)


@given(st.integers(0, len(SIGNER.token()) - 1), st.sampled_from("AQZaz09-_.="))
def test_a_token_with_one_character_changed_is_refused(place: int, character: str) -> None:
    token = SIGNER.token()
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        with pytest.raises(TokenRefused):
            judged(changed)
