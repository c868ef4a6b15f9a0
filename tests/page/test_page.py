"""The page as a browser shows it: what is drawn is what the database holds, now and then."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Browser

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import load_recorded
from findata_resources.environment import resolve_endpoints
from findata_resources.stores import api_keys
from findata_serving.auth.keys import KeyText, new_key
from tests.page.conftest import LATER, OpenTab, app_of
from tests.page.driving import PHONE, Tab, tab
from tests.serving.served import listening

# 2022-06-14 14:00 UTC, 10:00 in New York. Its first minute was revised on 2022-06-20: tests/page/later.
REVISED_CANDLE = "1655215200000000"
REVISED_SESSION = "1655213400000000"  # it opened at 09:30
BEFORE, AFTER = "244.25", "244.5"  # its high, by the sample's file and by the later one
BEFORE_THE_REVISION = "2022-06-16T00:00:00.000000Z"


def asked(platform: Platform, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Return rows of the database, which is what the page has to show."""
    with psycopg.connect(resolve_endpoints(platform.settings).database_url) as connection:
        return connection.execute(query.encode(), arguments).fetchall()


def test_an_instrument_is_found_and_opened_by_keyboard_alone(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS")
        tab.page.keyboard.press("/")
        tab.page.keyboard.type("azn")
        tab.expect('#search-list [role="option"][aria-selected="true"]:has-text("AZN.XLON")')
        tab.page.keyboard.press("Enter")
        tab.expect('#chart[data-instrument="AZN.XLON"][data-state="ready"]')
        assert tab.shown()["zone"] == "Europe/London"
        assert "instrument=AZN.XLON" in tab.page.url


def test_arrows_move_among_the_instruments_found(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS")
        tab.page.keyboard.press("/")
        tab.page.keyboard.type("X")
        # Before a slow hand has typed, all instruments are shown; the answer to what it typed begins at the first again.
        tab.expect('#search-list[data-asked="X"] #search-2')
        tab.page.keyboard.press("ArrowDown")
        assert tab.page.locator("#search-box").get_attribute("aria-activedescendant") == "search-1"
        tab.page.keyboard.press("ArrowUp")
        tab.page.keyboard.press("ArrowUp")
        assert tab.page.locator("#search-box").get_attribute("aria-activedescendant") == "search-2"


def test_each_interval_shows_the_candles_of_the_database(open_tab: OpenTab, platform: Platform) -> None:
    with open_tab() as tab:
        tab.open(instrument="9988.XHKG", interval="15m")
        for interval, source in (
            ("5m", "market.candles WHERE interval = '5m'"),
            ("1h", "market.candles WHERE interval = '1h'"),
            ("1d", "market.bars_1d WHERE interval = '1d'"),
            ("1w", "market.weekly_candles WHERE source_interval = '1d'"),
        ):
            newest, height, last = asked(
                platform,
                "SELECT max(event_time), count(*), (array_agg(close ORDER BY event_time DESC))[1]"
                f" FROM {source} AND instrument_id = %s",
                "9988.XHKG",
            )[0]
            tab.page.locator(f'#intervals label:has(input[value="{interval}"])').click()
            tab.expect(f'#chart[data-interval="{interval}"][data-state="ready"]')
            shown = tab.shown()
            assert (int(shown["candles"]), int(shown["last"])) == (height, int(newest.timestamp() * 1e6))
            assert float(tab.expect("#legend").get_attribute("data-close")) == last
            assert int(shown["levels"]) > 0


def test_hours_are_those_of_the_exchange(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="9988.XHKG", interval="1h")
        tab.page.keyboard.press("t")
        first = tab.expect("#figures tbody tr button").inner_text()
        assert first.endswith("2022-06-15 15:00")  # the last hour before Hong Kong's close at 16:00


def test_a_day_of_sydney_does_not_end_at_its_noon_where_utc_begins_another(open_tab: OpenTab) -> None:
    # 10:00, 11:00 (midnight in UTC) and 12:00 on 2022-01-18, then 10:00 on the 19th, daylight saving in force.
    hours = [1642460400, 1642464000, 1642467600, 1642546800]
    script = """async (hours) => {
        const { SessionScale, labels } = await import("/static/sessionscale.js");
        const scale = new SessionScale();
        scale.useZone("Australia/Sydney");
        const points = hours.map((hour) => ({ time: scale.convertHorzItemToInternal(hour), timeWeight: 0 }));
        scale.fillWeightsForPoints(points, 0);
        const { crosshair } = labels("Australia/Sydney", true);
        return [points.map((point) => point.timeWeight >= 50), hours.map(crosshair)];
    }"""
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="1d")
        assert tab.page.evaluate(script, hours) == [
            [True, False, False, True],
            ["Tue 2022-01-18 10:00", "Tue 2022-01-18 11:00", "Tue 2022-01-18 12:00", "Wed 2022-01-19 10:00"],
        ]


def test_rewinding_shows_what_was_known_then_and_says_so(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="5m", at=REVISED_CANDLE)
        assert tab.expect("#legend").get_attribute("data-high") == AFTER
        assert tab.page.locator("#banner").is_hidden()
        tab.page.locator("#asof-slider").focus()
        tab.page.keyboard.press("ArrowLeft")
        tab.page.keyboard.press("ArrowLeft")
        tab.expect('#chart[data-state="ready"]:not([data-as-of="now"])')
        assert tab.expect("#legend").get_attribute("data-high") == BEFORE
        assert tab.shown()["changed"] == "1"
        assert "Rewound to 2022-06-15" in tab.expect("#banner").inner_text()
        tab.page.locator("#banner button").click()
        tab.expect('#chart[data-state="ready"][data-as-of="now"]')
        assert tab.expect("#legend").get_attribute("data-high") == AFTER
        assert tab.page.locator("#banner").is_hidden()


def test_an_instant_can_be_typed_and_the_address_shared(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="1d", at=REVISED_SESSION)
        tab.page.locator("#asof-time").fill("2022-06-16")
        tab.page.keyboard.press("Enter")
        tab.expect('#chart[data-state="ready"][data-as-of^="2022-06-16T23:59:59"]')
        shared, shown = tab.page.url, tab.shown()
    with open_tab() as other:
        other.page.goto(shared)
        other.expect('#chart[data-state="ready"][data-as-of^="2022-06-16T23:59:59"]')
        assert other.shown() == shown
        assert other.page.locator("#provenance").get_attribute("data-event-time") == REVISED_SESSION


def test_a_click_on_a_candle_leads_to_the_bytes_it_came_from(open_tab: OpenTab, platform: Platform) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="1h")
        box = tab.page.locator("#chart").bounding_box()
        assert box is not None
        tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
        assert tab.expect("#provenance[data-equal]").get_attribute("data-equal") == "true"
        assert tab.page.locator("#provenance .verdict").inner_text().startswith("equal")
        said = digests(tab)
        start = int(tab.page.locator("#provenance").get_attribute("data-event-time") or 0)
        assert said == payloads_of(platform, start, 60)


def test_a_revised_candle_names_both_payloads(open_tab: OpenTab, platform: Platform) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="5m", at=REVISED_CANDLE)
        tab.expect("#provenance[data-equal]")
        said = digests(tab)
        assert len(said) == 2
        assert said == payloads_of(platform, int(REVISED_CANDLE), 5)
        assert "2022-06-20 12:00:00 UTC" in tab.page.locator("#provenance").inner_text()


def digests(tab: Tab) -> set[str]:
    """Return the sha256 of each payload that the panel names."""
    found = tab.page.locator("#provenance .payload")
    return {found.nth(place).get_attribute("data-sha256") or "" for place in range(found.count())}


def payloads_of(platform: Platform, start_microseconds: int, minutes: int) -> set[str]:
    """Return the sha256 of the payloads that said the minutes from a start on."""
    rows = asked(
        platform,
        "SELECT DISTINCT payload.sha256 FROM market.bars AS bar JOIN ops.payloads AS payload USING (payload_id)"
        " WHERE bar.instrument_id = 'MSFT.XNAS' AND bar.interval = '1m'"
        " AND bar.event_time >= to_timestamp(%s) AND bar.event_time < to_timestamp(%s)",
        start_microseconds / 1e6,
        start_microseconds / 1e6 + minutes * 60,
    )
    return {sha256 for (sha256,) in rows}


def test_missing_and_refused_rows_are_marked(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="5m")
        conditions = {
            day: tab.page.locator(f'#sessions [data-session="{day}"]').get_attribute("data-condition")
            for day in ("2022-06-13", "2022-06-14", "2022-06-15")
        }
        assert conditions == {
            "2022-06-13": "complete",
            "2022-06-14": "quarantined",
            "2022-06-15": "partial",
        }
        # The sample's minutes of 2022-06-15 end at 12:30: three and a half hours were expected and are not there.
        assert tab.shown()["missing"] == "72"  # with the 30 places before noon of 2022-05-18


def test_rates_show_fixings_averages_and_what_was_revised(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open("rates")
        shown = tab.shown("#rate-chart")
        assert (shown["rate"], shown["fixings"], shown["revised"]) == ("SOFR", "166", "1")
        row = tab.expect("#rate-figures tr.revised").inner_text().split("\t")
        assert row[:2] == ["2022-06-15", "0.71"]
        assert "0.70 until 2022-07-05" in row[-1]
        tab.page.locator('#rate-figures button:has-text("0.70 until")').click()
        assert "Rewound to 2022-07-05 11:59:59" in tab.expect("#rate-banner").inner_text()
        tab.settle("rates")
        assert tab.expect("#rate-figures tr.revised").inner_text().split("\t")[1] == "0.70"


def test_older_candles_come_when_the_view_reaches_the_first_ones(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="1m")
        first = tab.shown()
        tab.page.locator("#chart").focus()
        tab.page.keyboard.press("Home")
        tab.expect(f'#chart[data-state="ready"]:not([data-first="{first["first"]}"])')
        then = tab.shown()
        assert int(then["first"]) < int(first["first"])
        assert int(then["candles"]) == 2 * int(first["candles"])
        assert then["last"] == first["last"]


def test_a_corrected_candle_appears_by_itself(open_tab: OpenTab, platform: Platform, tmp_path: Path) -> None:
    corrected = "1652961600000000"  # 2022-05-19 12:00 UTC, 13:00 in London
    shutil.copytree(LATER, tmp_path / "corrected")
    manifest = tmp_path / "corrected" / "recorded.toml"
    said = manifest.read_text().replace("2022-06-20T12:00:00Z", "2022-07-20T12:00:00Z")
    manifest.write_text(
        said.replace('"MSFT" = { mic = "XNAS" }', '"AZN.L" = { symbol = "AZN", mic = "XLON" }')
    )
    (tmp_path / "corrected" / "MSFT_1m.csv").unlink()
    (tmp_path / "corrected" / "AZN.L_1m.csv").write_text(
        "date,open,high,low,close,volume\n2022-05-19 12:00:00+00:00,10200,10300,10100,10250,777777\n"
    )
    with open_tab() as tab:
        tab.open(instrument="AZN.XLON", interval="5m", at=corrected)
        tab.expect('#chart[data-live="on"]')
        assert tab.expect("#legend").get_attribute("data-high") != "10300"
        load_recorded(platform, tmp_path / "corrected", None, "bars")
        run_due(platform)
        assert tab.expect('#legend[data-high="10300"]').get_attribute("data-low") == "10100"


def test_a_server_that_asks_for_a_key_gets_one_from_the_reader(browser: Browser, platform: Platform) -> None:
    key = new_key()
    api_keys.add(platform.store.database, entry_of(key))
    with (
        listening(app_of(platform, serving_auth="required")) as address,
        tab(browser, address) as opened,
    ):
        opened.page.goto(f"{address}/#/chart?instrument=MSFT.XNAS&interval=1d")
        opened.expect("#ask-key[open]")
        opened.page.locator("#ask-key-value").fill(key.text)
        opened.page.keyboard.press("Enter")
        opened.expect('#chart[data-instrument="MSFT.XNAS"][data-state="ready"]')
        assert key.text not in opened.page.url
        # A browser notes each answer of 401 in its console.
        opened.complaints = [text for text in opened.complaints if "status of 401" not in text]


def entry_of(key: KeyText) -> api_keys.ApiKey:
    """Return what the book says of a key that may read prices."""
    return api_keys.ApiKey(
        key.key_id, "a trader", key.secret_sha256, ("read:market",), datetime(2026, 5, 1, tzinfo=UTC), "tests"
    )


def test_an_unknown_instrument_is_told_in_the_servers_words(browser: Browser, address: str) -> None:
    with tab(browser, address) as opened:
        opened.open(instrument="MSFX.XNAS")
        message = opened.expect('#message[role="alert"]')
        assert message.get_attribute("data-status") == "404"
        assert "MSFX.XNAS" in message.inner_text()
        opened.page.locator('#message button:has-text("MSFT.XNAS")').click()
        opened.expect('#chart[data-instrument="MSFT.XNAS"][data-state="ready"]')
        # A browser notes each answer of 404 in its console.
        opened.complaints = [text for text in opened.complaints if "status of 404" not in text]


def test_a_server_that_has_stopped_is_said_to_have(browser: Browser, platform: Platform) -> None:
    with listening(app_of(platform)) as address:
        context = tab(browser, address)
        opened = context.__enter__()
        opened.open(instrument="MSFT.XNAS", interval="1h")
        # The stream is asked for once all else is there: a server that goes then would cut off that request.
        opened.expect('#chart[data-live="on"]')
    opened.page.keyboard.press("]")
    message = opened.expect('#message[role="alert"]').inner_text()
    assert "does not answer" in message
    assert "Try again" in message
    opened.complaints = [text for text in opened.complaints if "ERR_CONNECTION_REFUSED" not in text]
    context.__exit__(None, None, None)


def test_dark_and_light_follow_the_system_until_somebody_chooses(open_tab: OpenTab) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with open_tab(color_scheme="dark") as tab:
        tab.open(instrument="MSFT.XNAS", interval="1h")
        dark = tab.page.evaluate(background)
        tab.page.keyboard.press("d")
        light = tab.page.evaluate(background)
        tab.page.reload()
        tab.settle()
        assert tab.page.evaluate(background) == light
    assert (dark, light) == ("rgb(15, 19, 24)", "rgb(255, 255, 255)")


def test_a_phone_never_scrolls_sideways(open_tab: OpenTab) -> None:
    with open_tab(PHONE) as tab:
        tab.open(instrument="MSFT.XNAS", interval="1d", at=REVISED_SESSION, as_of=BEFORE_THE_REVISION)
        tab.expect("#provenance[data-equal]")
        assert tab.width() == PHONE["width"]
        tab.page.keyboard.press("Escape")
        tab.page.locator("#more").click()
        tab.page.keyboard.press("t")
        assert tab.width() == PHONE["width"]
        tab.open("rates")
        assert tab.width() == PHONE["width"]


def test_a_candle_is_chosen_and_explained_by_keyboard_and_focus_comes_back(open_tab: OpenTab) -> None:
    with open_tab() as tab:
        tab.open(instrument="MSFT.XNAS", interval="1d")
        tab.page.locator("#skip").focus()
        tab.page.keyboard.press("Enter")
        tab.page.keyboard.press("ArrowLeft")
        tab.page.keyboard.press("ArrowLeft")
        assert "2022-06-14: open" in tab.page.locator("#spoken").inner_text()
        tab.page.keyboard.press("Enter")
        tab.expect("#provenance[data-equal]")
        assert tab.page.evaluate("document.activeElement.id") == "provenance"
        tab.page.keyboard.press("Escape")
        assert tab.page.locator("#provenance").is_hidden()
        assert tab.page.evaluate("document.activeElement.id") == "chart"
        tab.page.keyboard.press("?")
        assert "search an instrument" in tab.expect("#keys").inner_text()
