"""The European Central Bank's euro reference rates: one file with all days since 1999, or with the last one.

No key, no pages. https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/ says what
they are: units of a currency for one euro, set on each TARGET day at about 16:00 CET, for information. What belongs
here: the GET and the pure parse of the CSV, plain or in its zip.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from findata_core.errors import MalformedPayload
from findata_resources.provider import Capability, Clock, Parsed, Received, Request, kept_headers
from findata_resources.providers.http_answers import interrupted, refusal, unreachable
from findata_resources.providers.recorded_layout import uncompressed

PROVIDER = "ecb"
DEFAULT_BASE_URL = "https://www.ecb.europa.eu/stats/eurofxref"
HISTORY = "eurofxref-hist.zip"
WHO = "The European Central Bank"
BASE = "EUR"
NOT_QUOTED = ("N/A", "")  # a currency that had no rate on a day: joined the euro, not yet or no longer quoted

CAPABILITIES = (
    Capability(
        dataset="fx",
        interval="",
        widest_window=None,
        wall=None,
        label="start",
        adjustment="",
        is_float32=False,
        settles_after=timedelta(hours=24),
    ),
)


def fx_request(file: str = HISTORY) -> Request:
    """Return the request for a file of rates."""
    return Request(PROVIDER, PROVIDER, "fx", BASE, {"file": file})


class EcbProvider:
    """Gets the files; `timeout_seconds` bounds connecting and each wait for bytes."""

    name = PROVIDER
    capabilities = CAPABILITIES

    def __init__(self, base_url: str = DEFAULT_BASE_URL, timeout_seconds: float = 30) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once."""
        import httpx  # a third of a second that only those pay who ask

        url = f"{self._base_url}/{request.parameters['file']}"
        try:
            answer = httpx.get(url, timeout=self._timeout_seconds)
        except httpx.ConnectError as error:
            raise unreachable(WHO, error) from error
        except httpx.HTTPError as error:
            raise interrupted(WHO, error) from error
        if answer.status_code != httpx.codes.OK:
            raise refusal(WHO, answer.status_code, answer.headers, answer.content, clock.now())
        return Received(
            request, answer.content, answer.status_code, kept_headers(answer.headers), clock.now()
        )


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return rows of economic.fx_rates; a currency that is not quoted on a day has none."""
    lines = list(_lines(uncompressed(body)))
    currencies = _currencies(lines[0] if lines else [])
    rows = [_fields(number, line, len(currencies)) for number, line in enumerate(lines[1:], 2)]
    wide = pl.DataFrame(
        {
            "observation_date": [_day(row[0]) for row in rows],
            **{name: [row[place] for row in rows] for place, name in enumerate(currencies, 1)},
        },
        schema={"observation_date": pl.Date, **dict.fromkeys(currencies, pl.String)},
    )
    return [Parsed("economic.fx_rates", _long(wide, currencies, str(request["source"])))]


def _lines(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
        for row in csv.reader(text.splitlines()):
            if any(item.strip() for item in row):
                yield [item.strip() for item in row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedPayload(f"The file of rates is no CSV: {error}", "See the payload") from error


def _currencies(header: Sequence[str]) -> list[str]:
    """Return the currencies of a header "Date,USD,...,"; the bank ends each line with a comma."""
    names = list(header[1:-1] if header and not header[-1] else header[1:])
    is_code = [len(name) == 3 and name.isascii() and name.isupper() and name.isalpha() for name in names]
    if not header or header[0] != "Date" or not names or not all(is_code) or len({*names}) < len(names):
        raise MalformedPayload(
            f"The file does not begin with Date and currencies but with {','.join(header)[:80]!r}",
            "See the payload: the bank answers HTML where it has no such file",
        )
    return names


def _fields(number: int, line: list[str], currencies: int) -> list[str]:
    """Return the date and a field for each currency; a line of another length is a guess about all of them."""
    fields = line[:-1] if len(line) == currencies + 2 and not line[-1] else line
    if len(fields) != currencies + 1:
        raise MalformedPayload(
            f"Line {number} has {len(fields) - 1} rates for {currencies} currencies",
            "See the payload; if it was cut off, get the file again",
        )
    return fields


def _long(wide: pl.DataFrame, currencies: list[str], source: str) -> pl.DataFrame:
    """Return a row for each rate; what is no number is a rate that is null, and is refused later."""
    long = wide.unpivot(on=currencies, index="observation_date", variable_name="quote", value_name="text")
    said = long.filter(~pl.col("text").is_in(list(NOT_QUOTED)))
    return said.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row_number"),
        pl.lit(BASE).alias("base"),
        "quote",
        pl.lit(source).alias("source"),
        "observation_date",
        pl.col("text").cast(pl.Float64, strict=False).fill_nan(None).alias("rate"),
    )


def _day(text: str) -> date | None:
    """Return a day as the history writes it (2026-04-13), or the file of the last day (13 April 2026)."""
    for pattern in ("%Y-%m-%d", "%d %B %Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    return None
