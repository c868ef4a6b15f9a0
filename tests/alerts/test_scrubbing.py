"""Secrets do not leave the house, whatever shape they come in; plain texts stay as they are."""

from __future__ import annotations

import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from findata_core.alerts.scrubbing import MASK, scrub

# A secret of signs that appear in nothing else of the texts below.
SECRETS = st.text(string.ascii_letters + string.digits + "-._~!$*+/=%@:", min_size=8, max_size=40).map(
    lambda text: f"Zq{text}7Xw"
)
PLAIN = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40).map(
    lambda text: f"Zq{text}7Xw"
)


@given(
    PLAIN,
    st.sampled_from(
        [
            "connection to postgresql://findata:{}@db.example.com:5432/findata failed",
            "postgres://{}@db/findata",
            "host=db user=findata password={} dbname=findata",
            "password='{}' host=db",
            'request headers: {{"Authorization": "Bearer {}", "Accept": "x"}}',
            "Authorization: Basic {}",
            "> authorization: {}",
            "Cookie: A1={}; B={}",
            "GET https://www.alphavantage.co/query?function=X&apikey={}&symbol=MSFT",
            "https://api.stlouisfed.org/fred/series?api_key={}",
            "https://s3.example.com/b/k?X-Amz-Signature={}&X-Amz-Credential={}",
            "FINDATA_S3_SECRET_KEY={}",
            "{{'aws_secret_access_key': '{}'}}",
            '"token": "{}"',
            "https://hooks.slack.com/services/T00/B00/{}",
            "PGPASSWORD={} psql",
            "smtp login with password: {}",
            "x-api-key: {}",
        ]
    ),
)
def test_what_looks_like_a_secret_is_masked(secret: str, shape: str) -> None:
    said = scrub(shape.replace("{}", secret).replace("{{", "{").replace("}}", "}"))
    assert secret not in said
    assert MASK in said


@given(
    SECRETS,
    st.sampled_from([str, quote, quote_plus, lambda text: quote(text, safe="")]),
    st.text(max_size=30),
)
@example("Zqa/b@c:d7Xw", quote, "")
def test_what_is_known_to_be_a_secret_is_masked_wherever_it_stands(
    secret: str, spell: object, around: str
) -> None:
    spelt = spell(secret)  # type: ignore[operator]
    said = scrub(f"{around} {spelt} {around}", [secret])
    assert spelt not in said or spelt in around


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ghp_" + "a1B2" * 8,
        "xoxb-" + "123456789012-abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_keys_that_are_known_by_their_form_are_masked(text: str) -> None:
    assert scrub(f"found {text} there") == f"found {MASK} there"


@pytest.mark.parametrize(
    "text",
    [
        "The disk of the database is full: could not extend file base/16384/1259",
        "Run findata up; if it is one of your own, see that it runs, and look at FINDATA_DATABASE_URL",
        "findata materialize --select market.candles --sessions 2022-06-15",
        "MSFT.XNAS: high is below open, low or close (3 rows)",
        "http://127.0.0.1:8339/findata answered 503",
        "key_not_increasing: (instrument_id, session_date) is not unique",
        "the token bucket is empty, 25 requests a day",
    ],
)
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert scrub(text) == text


@given(st.text())
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once
