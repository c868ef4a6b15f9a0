"""Lists of securities, loaded as people have them: names over time, and a list that can't be true held as a whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.holding import held_payloads, hex_id, reject, release
from findata_assets.steps.known import KnownAt
from findata_assets.steps.names import find_security, history_of, show_security
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_assets.steps.sources import load_recorded
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table

JANUARY, FEBRUARY, MARCH = date(2024, 1, 2), date(2024, 2, 1), date(2024, 3, 1)
LETTERS = "ABCDEFGHIJKL"


def listed(platform: Platform, folder: Path, day: date, names: dict[str, str], mic: str = "XNAS") -> Any:
    """Load a list of one day, name -> company; folders keep what was loaded before."""
    file = f"list_{day}.csv"
    (folder / file).write_text("symbol,company\n" + "".join(f"{name},{of}\n" for name, of in names.items()))
    manifest = folder / "recorded.toml"
    known = manifest.read_text() if manifest.exists() else ""
    manifest.write_text(
        f"{known}\n[[set]]\nname = '{day}'\nfiles = '{file}'\ndataset = 'securities'\nsource = 'mine'\n"
        f"received = {day}T12:00:00Z\n[set.instrument]\ncolumn = 'symbol'\nmic = '{mic}'\n"
        "[set.columns]\nname = 'company'\n"
    )
    loaded = load_recorded(platform, folder, None, "securities")
    run_due(platform)
    return loaded


def of_companies(letters: str) -> dict[str, str]:
    return {letter: f"Company {letter}" for letter in letters}


def test_a_name_that_changes_from_list_to_list_is_followed(platform: Platform, tmp_path: Path) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    listed(platform, tmp_path, FEBRUARY, of_companies(LETTERS[1:]) | {"ZZ": "Company A"})
    assert held_payloads(platform).is_empty()
    (now,) = find_security(platform, "ZZ", FEBRUARY)["security_id"]
    assert now == "A.XNAS@2024-01-02"
    assert history_of(platform, now)["symbol"].to_list() == ["A", "ZZ"]
    assert show_security(platform, now).item(0, "symbol") == "ZZ"
    before = datetime(2024, 1, 31, tzinfo=UTC)
    assert find_security(platform, "A", date(2024, 1, 15), instant=before).item(0, "security_id") == now
    with pytest.raises(ConfigurationError, match="meant no security"):
        find_security(platform, "A", FEBRUARY)
    assert verify(platform, lambda _: None).differences.rows() == []


@pytest.mark.parametrize("verdict", [release, reject])
def test_a_list_without_a_third_of_its_names_is_held_until_somebody_decides(
    verdict: Any, platform: Platform, tmp_path: Path
) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    before = platform.store.read(table("reference.securities"))
    loaded = listed(platform, tmp_path, FEBRUARY, of_companies(LETTERS[4:]))
    assert loaded.sets["2024-02-01"].payloads_held == 1
    (waiting,) = held_payloads(platform).to_dicts()
    assert waiting["rule"] == "list_changed"
    assert "of 12 names that the list before had, 4 are gone" in waiting["reason"]
    assert platform.store.read(table("reference.securities")).equals(before)
    verdict(platform, [hex_id(waiting["payload_id"])], "looked at it")
    run_due(platform)
    ended = platform.store.read(table("reference.securities")).drop_nulls("delisted_date")
    assert sorted(ended["symbol"]) == (list("ABCD") if verdict is release else [])
    assert verify(platform, lambda _: None).differences.rows() == []


def test_a_list_after_one_that_is_held_is_compared_with_the_last_good_one(
    platform: Platform, tmp_path: Path
) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    listed(platform, tmp_path, FEBRUARY, of_companies(LETTERS[:2]))
    listed(platform, tmp_path, MARCH, of_companies(LETTERS))
    assert held_payloads(platform).height == 1
    names = platform.store.read(table("reference.security_symbols"))
    assert set(names["from_date"]) == {JANUARY}
    assert names["to_date"].null_count() == 12


def test_a_list_of_which_a_third_means_other_companies_is_held(platform: Platform, tmp_path: Path) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    listed(platform, tmp_path, FEBRUARY, of_companies(LETTERS) | dict.fromkeys("ABCD", "Somebody else"))
    (waiting,) = held_payloads(platform).to_dicts()
    assert "4 mean another issuer" in waiting["reason"]


def test_a_list_that_is_loaded_late_is_compared_with_the_one_before_it(
    platform: Platform, tmp_path: Path
) -> None:
    """Half the names are new in March: January's list, loaded after it, has not lost the others."""
    listed(platform, tmp_path, MARCH, of_companies(LETTERS))
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS[:6]))
    assert held_payloads(platform).is_empty()
    assert find_security(platform, "A", FEBRUARY).item(0, "security_id") == "A.XNAS@2024-01-02"


def test_lists_of_several_days_are_judged_in_the_order_of_their_days(
    platform: Platform, make_platform: Any, tmp_path: Path
) -> None:
    listed(make_platform(), tmp_path, MARCH, of_companies(LETTERS[6:]))
    listed(make_platform(), tmp_path, JANUARY, of_companies(LETTERS))
    load_recorded(platform, tmp_path, None, "securities")
    (waiting,) = held_payloads(platform).to_dicts()
    assert waiting["received_time"].date() == MARCH


def test_lists_of_two_exchanges_are_not_compared_with_each_other(platform: Platform, tmp_path: Path) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    listed(platform, tmp_path, FEBRUARY, of_companies("XYZ"), mic="XNYS")
    assert held_payloads(platform).is_empty()
    assert show_security(platform, "X.XNYS@2024-02-01").item(0, "mic") == "XNYS"


MASTER = """id,ticker,isin,exchange,start,end,company,first,last
s1,OLD,US0000000001,XNAS,2010-01-04,2015-06-30,One Inc,2010-01-04,
s1,NEW,US0000000001,XNAS,2015-07-01,,One Inc,2010-01-04,
s2,OLD,US0000000002,XNYS,2016-01-04,2020-12-31,Two Inc,2016-01-04,2020-12-31
s3,DUP,US0000000003,XNAS,2010-01-04,,Three,2010-01-04,
s4,DUP,US0000000004,XNAS,2012-01-04,,Four,2012-01-04,
s5,BAD,US0000000005,NOPE,2012-01-04,,Five,2012-01-04,
s6,END,US0000000006,XNAS,2012-01-04,2011-01-04,Six,2012-01-04,
"""


@pytest.fixture
def master(platform: Platform, tmp_path: Path) -> Platform:
    """One's own table of securities in two symbologies."""
    (tmp_path / "master.csv").write_text(MASTER)
    shared = "files = 'master.csv'\ndataset = 'securities'\nsource = 'own'\nreceived = 2024-01-02T12:00:00Z\nregion = 'US'\n"
    columns = (
        "[set.columns]\nmic = 'exchange'\nsource_id = 'id'\nname = 'company'\nlisted_date = 'first'\n"
        "delisted_date = 'last'\n"
    )
    (tmp_path / "recorded.toml").write_text(
        f"[[set]]\nname = 'tickers'\n{shared}[set.instrument]\ncolumn = 'ticker'\n"
        f"{columns}from_date = 'start'\nto_date = 'end'\n"
        f"[[set]]\nname = 'isins'\noverlaps = ['tickers']\nsymbology = 'isin'\n{shared}[set.instrument]\n"
        f"column = 'isin'\n{columns}from_date = 'first'\nto_date = 'last'\n"
    )
    load_recorded(platform, tmp_path, None, "securities")
    run_due(platform)
    return platform


def test_a_table_of_ones_own_names_securities_in_several_symbologies(master: Platform) -> None:
    for symbol, symbology, day in (
        ("OLD", "ticker", 2012),
        ("NEW", "ticker", 2020),
        ("US0000000001", "isin", 2020),
    ):
        found = find_security(master, symbol, date(day, 6, 1), symbology)
        assert found.item(0, "security_id") == "OLD.XNAS@2010-01-04"
    assert find_security(master, "OLD", date(2018, 6, 1)).item(0, "security_id") == "OLD.XNYS@2016-01-04"
    assert find_security(master, "OLD.XNYS", date(2018, 6, 1)).item(0, "mic") == "XNYS"
    assert show_security(master, "OLD.XNYS@2016-01-04").item(0, "delisted_date") == date(2020, 12, 31)


def test_what_cannot_be_is_refused_with_its_reason(master: Platform) -> None:
    query = "SELECT row ->> 'symbol', rule FROM ops.quarantine WHERE table_name = 'reference.listings' ORDER BY 1, 2"
    refused = master.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]
    tickers = [pair for pair in refused if not pair[0].startswith("US0")]
    assert tickers == [
        ("BAD", "unknown_mic"),
        ("DUP", "means_two_securities"),
        ("DUP", "means_two_securities"),
        ("END", "ends_before_it_begins"),
    ]
    with pytest.raises(ConfigurationError, match="No security is known by the ticker DUP"):
        find_security(master, "DUP", date(2013, 6, 1))


def test_a_name_that_two_exchanges_have_needs_the_exchange(platform: Platform, tmp_path: Path) -> None:
    listed(platform, tmp_path, JANUARY, {"ABC": "One"})
    listed(platform, tmp_path, FEBRUARY, {"ABC": "Two"}, mic="XNYS")
    with pytest.raises(
        ConfigurationError, match=r"meant 2 securities: ABC\.XNAS@2024-01-02, ABC\.XNYS@2024-02-01"
    ):
        find_security(platform, "ABC", MARCH)
    assert find_security(platform, "ABC", MARCH, mic="XNYS").item(0, "security_id") == "ABC.XNYS@2024-02-01"
    with pytest.raises(ConfigurationError, match="No security is known by the isin ABC"):
        find_security(platform, "ABC", MARCH, "isin")


def test_what_was_known_then_is_what_a_fresh_database_held(platform: Platform, tmp_path: Path) -> None:
    listed(platform, tmp_path, JANUARY, of_companies(LETTERS))
    then = {name: platform.read(name) for name in ("reference.securities", "reference.security_symbols")}
    listed(platform, tmp_path, FEBRUARY, of_companies(LETTERS[1:]) | {"ZZ": "Company A"})
    known = KnownAt(platform, datetime(2024, 1, 20, tzinfo=UTC))
    for name, rows in then.items():
        key = list(table(name).business_key)
        assert known.read(name).equals(rows.sort(key))
