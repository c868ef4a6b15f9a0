"""The universe file: what it says, and the words for each mistake in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from findata_core.errors import ConfigurationError
from findata_resources.provider import Request, row_schema
from findata_resources.providers import parse_payload

SAMPLE = Path(__file__).parents[2] / "findata_resources" / "sample" / "universe.csv"
REQUEST = Request("findata", "findata", "universe", "").to_dict()
HEADER = "instrument_id,mic,currency,price_units,yahoo,from_date,to_date"


def test_the_sample_gives_instruments_and_their_symbols() -> None:
    instruments, symbols = parse_payload(SAMPLE.read_bytes(), REQUEST)
    assert (instruments.table, symbols.table) == ("reference.instruments", "reference.symbols")
    london = instruments.rows.row(1, named=True)
    assert (london["instrument_id"], london["symbol"], london["mic"]) == ("AZN.XLON", "AZN", "XLON")
    assert (london["currency"], london["price_units"], london["region"]) == ("GBP", 100, "GB")
    assert (london["from_date"], london["to_date"]) == (date(2019, 11, 26), None)
    assert symbols.rows.select("source", "symbol", "from_date", "instrument_id").rows() == [
        ("yahoo", "9988.HK", date(2019, 11, 26), "9988.XHKG"),
        ("yahoo", "AZN.L", date(2019, 11, 26), "AZN.XLON"),
        ("yahoo", "MSFT", date(2019, 11, 26), "MSFT.XNAS"),
    ]


def test_rows_have_the_tables_columns() -> None:
    for item in parse_payload(SAMPLE.read_bytes(), REQUEST):
        assert item.rows.columns == ["row_number", *row_schema(item.table)]


def test_each_further_column_is_a_sources_symbols() -> None:
    header = b"instrument_id,mic,currency,price_units,yahoo,stooq\n"
    body = header + b"BRK.B.XNYS,XNYS,USD,1,BRK-B,\nT.XNYS,XNYS,USD,1,T,t.us\n"
    instruments, symbols = parse_payload(body, REQUEST)
    assert instruments.rows["symbol"].to_list() == ["BRK.B", "T"]
    assert symbols.rows.select("source", "symbol", "from_date").rows() == [
        ("yahoo", "BRK-B", date(1900, 1, 1)),
        ("stooq", "t.us", date(1900, 1, 1)),
        ("yahoo", "T", date(1900, 1, 1)),
    ]


def test_comments_empty_lines_and_a_byte_order_mark_are_no_rows() -> None:
    body = f"\ufeff# mine\n{HEADER}\n\nAAPL.XNAS,XNAS,USD,1,AAPL,,\n".encode()
    assert parse_payload(body, REQUEST)[0].rows["instrument_id"].to_list() == ["AAPL.XNAS"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("AAPL,XNAS,USD,1,AAPL,,", "Line 3.*instrument_id is 'AAPL'"),
        ("AAPL.XNAS,XNYS,USD,1,AAPL,,", "Line 3.*does not end in .XNYS"),
        ("AAPL.NASD,NASD,USD,1,AAPL,,", "Line 3.*NASD"),
        ("AAPL.XNAS,XNAS,usd,1,AAPL,,", "Line 3.*currency is 'usd'"),
        ("AAPL.XNAS,XNAS,USD,0,AAPL,,", "Line 3.*price_units is '0'"),
        ("AAPL.XNAS,XNAS,USD,1,AAPL,12/1/2019,", "Line 3.*from_date is '12/1/2019'"),
        ("AAPL.XNAS,XNAS,USD,1,AAPL,2020-01-02,2020-01-01", "Line 3.*to_date lies before"),
        ("AAPL.XNAS,XNAS,USD,1,AAPL,", "Line 3.*6 fields instead of 7"),
        ("MSFT.XNAS,XNAS,USD,1,MSF,,", "Line 3.*instrument_id MSFT.XNAS stands on line 2"),
        ("AAPL.XNAS,XNAS,USD,1,MSFT,,", "Line 3.*yahoo MSFT means the instrument on line 2"),
    ],
)
def test_a_wrong_line_is_named_with_what_to_do(line: str, words: str) -> None:
    body = f"{HEADER}\nMSFT.XNAS,XNAS,USD,1,MSFT,,\n{line}\n".encode()
    with pytest.raises(ConfigurationError, match=f"{words}.*Next: .+"):
        parse_payload(body, REQUEST)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"instrument_id,mic\n", "no column currency, price_units"),
        (b"instrument_id,mic,currency,price_units,yahoo,yahoo\n", "'yahoo'"),
        (b"instrument_id,mic,currency,price_units,My Broker\n", "'My Broker'"),
        (b"instrument_id,\xff\n", "UTF-8"),
    ],
)
def test_a_wrong_header_is_named_with_what_to_do(body: bytes, words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{words}.*Next: .+"):
        parse_payload(body, REQUEST)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ("2019-01-02,2020-06-30", "2020-07-01,", False),
        ("2019-01-02,2020-06-30", "2020-06-30,", True),
        ("2019-01-02,", "2015-01-02,2018-12-31", False),
        ("2019-01-02,", "2015-01-02,2019-01-02", True),
        (",2018-12-31", "2019-01-02,", False),
        ("2019-01-02,2020-06-30", "2019-03-01,2019-04-01", True),
    ],
)
def test_a_symbol_may_pass_to_another_instrument_but_not_mean_two_on_one_day(
    first: str, second: str, is_refused: bool
) -> None:
    lines = [f"OLD.XNAS,XNAS,USD,1,META,{first}", f"NEW.XNAS,XNAS,USD,1,META,{second}"]
    body = "\n".join([HEADER, *lines, ""]).encode()
    if is_refused:
        with pytest.raises(ConfigurationError, match=r"Line 3.*META means the instrument on line 2 from 20"):
            parse_payload(body, REQUEST)
    else:
        assert parse_payload(body, REQUEST)[0].rows.height == 2
