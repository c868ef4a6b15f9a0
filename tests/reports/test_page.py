"""The page: nothing on it can run or be fetched, every text is text, and two hundred sick instruments stay readable."""

from __future__ import annotations

from collections import Counter
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_assets.reports.page import page
from findata_core.quality.report import QualityReport
from findata_core.quality.verdicts import without_session
from tests.reports.made_report import NASTY, made_report

MOST_BYTES = 250_000
HARMLESS = set(
    "html head meta title style body header main footer h1 h2 h3 p div span b br i code table thead tbody tr th td "
    "details summary figure figcaption svg path circle".split()
)


class Seen(HTMLParser):
    """What a page has: elements, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_texts_that_are_markup_are_shown_and_do_nothing() -> None:
    seen = Seen(page(made_report()))
    assert set(seen.elements) <= HARMLESS
    assert not [name for name in seen.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert sum(NASTY in text for text in seen.text) >= 10


def test_nothing_is_fetched_and_no_script_is_needed() -> None:
    text = page(made_report())
    for sign in ("<script", "http://", "https://", "url(", "@import", "<link", "<iframe"):
        assert sign not in text.replace("&lt;script", "")
    assert "default-src 'none'" in text


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_whatever_a_provider_says_is_text(text: str) -> None:
    plain, said = Seen(page(made_report(1, "plain"))), Seen(page(made_report(1, text)))
    assert said.elements == plain.elements
    assert said.attributes == plain.attributes


def test_two_hundred_sick_instruments_stay_readable() -> None:
    text = page(made_report(200))
    assert len(text.encode()) < MOST_BYTES
    assert (
        "and 195 more findings" in text
    )  # two hundred with missing minutes, twenty with a price that stands apart
    assert "160 more lack minutes" in text


def test_two_hundred_healthy_ones_are_one_line() -> None:
    text = page(made_report(1, "x", healthy=199))
    assert "199 whole" in text
    assert len(text.encode()) < 60_000


def test_the_same_report_is_the_same_page() -> None:
    assert page(made_report()) == page(made_report())


@pytest.mark.parametrize("day", [date(2022, 6, 18), date(2022, 6, 20)])
def test_a_day_without_a_session_is_a_page_that_says_so(day: date) -> None:
    told = without_session(["XNAS"], day, day, [])
    text = page(QualityReport(day, day, ("XNAS",), told))
    assert told.line in text
    assert "Coverage" not in text
    assert "Freshness" not in text


def test_every_part_is_there() -> None:
    text = page(made_report())
    for heading in (
        "What speaks against it",
        "Coverage",
        "Prices that stand apart",
        "Refused rows",
        "Figures that do not agree",
        "Volume that nobody traded",
        "Revisions",
        "Answers held as implausible",
        "Freshness",
        "Where the numbers come from",
    ):
        assert heading in text
    assert "00000000000000ff, whole" in text
    assert "close 10 → 10.5 (+5.00%)" in text
    assert "XLON: no session" in text
