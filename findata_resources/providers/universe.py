"""The universe file: which instruments are followed, and what each source calls them.

A CSV that people write by hand: instrument_id, mic, currency, price_units, from_date, to_date, and one
column per source with its symbol for the instrument. What belongs here: reading and checking it, purely.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from findata_core.calendars import exchange_of
from findata_core.errors import ConfigurationError, FindataError
from findata_resources.provider import Parsed, table_rows

PROVIDER = "findata"
REQUIRED = ("instrument_id", "mic", "currency", "price_units")
OPTIONAL = ("from_date", "to_date", "region", "category", "tags")
# A mapping needs a first day; where the file bounds nothing, the symbol always meant the instrument.
ALWAYS = date(1900, 1, 1)

_PATTERNS = {
    "instrument_id": (r"[^\s]+\.[A-Z0-9]{4}", "symbol.MIC, for example AAPL.XNAS"),
    "mic": (r"[A-Z0-9]{4}", "four letters or digits (ISO 10383)"),
    "currency": (r"[A-Z]{3}", "three capital letters (ISO 4217), for pence GBP with price_units 100"),
    "price_units": (r"[1-9][0-9]{0,8}", "a whole number: 1, or 100 for pence and cents"),
}


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return reference.instruments and reference.symbols; ConfigurationError names the line that is wrong."""
    records = list(_records(body))
    _refuse_doubles(records)
    instruments = [_instrument(record, str(request["source"])) for _, record in records]
    symbols = [row for _, record in records for row in _symbols(record)]
    return [
        Parsed("reference.instruments", table_rows("reference.instruments", instruments)),
        Parsed("reference.symbols", table_rows("reference.symbols", symbols)),
    ]


def _records(body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and fields of each row, checked; empty lines and lines that start with # are none."""
    lines = _text(body).splitlines()
    rows = [
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise ConfigurationError("The universe file is empty", f"Begin it with {','.join(REQUIRED)}")
    header = _fields(rows[0][1])
    _check_header(header)
    for number, line in rows[1:]:
        values = _fields(line)
        if len(values) != len(header):
            raise _wrong(
                number, f"{len(values)} fields instead of {len(header)}", "Give every column, empty or not"
            )
        record = dict(zip(header, values, strict=True))
        _check(number, record)
        yield number, record


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The universe file is not UTF-8: {error}", "Save it as UTF-8") from error


def _fields(line: str) -> list[str]:
    try:
        return [value.strip() for value in next(csv.reader([line]))]
    except csv.Error as error:
        raise ConfigurationError(f"A line of the universe file is no CSV: {error}", "Correct it") from error


def _check_header(header: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise ConfigurationError(
            f"The universe file has no column {', '.join(missing)}",
            f"Its first line needs {','.join(REQUIRED)}",
        )
    wrong = sorted(
        {name for name in header if header.count(name) > 1 or not re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    )
    if wrong:
        raise ConfigurationError(
            f"The universe file's header has {', '.join(map(repr, wrong))}",
            "Name each column once, in small letters; a column that is not findata's is a source's symbols",
        )


def _check(number: int, record: Mapping[str, str]) -> None:
    for name, (pattern, meaning) in _PATTERNS.items():
        if not re.fullmatch(pattern, record[name]):
            raise _wrong(number, f"{name} is '{record[name]}'", f"Write {meaning}")
    if not record["instrument_id"].endswith(f".{record['mic']}"):
        raise _wrong(
            number, f"{record['instrument_id']} does not end in .{record['mic']}", "Make the two agree"
        )
    _known(number, record["mic"])
    start, end = _day(number, record, "from_date"), _day(number, record, "to_date")
    if start is not None and end is not None and end < start:
        raise _wrong(number, "to_date lies before from_date", "Exchange them; both days are included")


def _known(number: int, mic: str) -> str:
    """Return the country of an exchange of the catalogue."""
    try:
        return exchange_of(mic).country
    except FindataError as error:
        raise _wrong(number, error.message, error.next_step) from error


def _day(number: int, record: Mapping[str, str], name: str) -> date | None:
    text = record.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise _wrong(number, f"{name} is '{text}'", "Write YYYY-MM-DD, or nothing") from error


def _wrong(number: int, what: str, next_step: str) -> ConfigurationError:
    return ConfigurationError(f"Line {number} of the universe file: {what}", next_step)


def _refuse_doubles(records: list[tuple[int, dict[str, str]]]) -> None:
    """Refuse an instrument twice, and a source's symbol that means two instruments on one day."""
    seen: dict[str, int] = {}
    spells: dict[tuple[str, str], list[tuple[date, date, int]]] = {}
    for number, record in records:
        name = record["instrument_id"]
        if name in seen:
            raise _wrong(
                number,
                f"instrument_id {name} stands on line {seen[name]} too",
                "Remove one of the two lines: from_date and to_date of one line bound its life",
            )
        seen[name] = number
        for row in _symbols(record):
            _refuse_overlap(number, row, spells.setdefault((row["source"], row["symbol"]), []))


def _refuse_overlap(number: int, row: Mapping[str, Any], others: list[tuple[date, date, int]]) -> None:
    """Refuse a symbol on days on which it means another line's instrument, and note its days; both ends count."""
    first, last = row["from_date"], row["to_date"] or date.max
    for begin, end, line in others:
        if first <= end and begin <= last:
            raise _wrong(
                number,
                f"{row['source']} {row['symbol']} means the instrument on line {line} from {max(first, begin)} on too",
                "Bound both with from_date and to_date so that the symbol means one instrument a day, or remove one",
            )
    others.append((first, last, number))


def _instrument(record: Mapping[str, str], source: str) -> dict[str, Any]:
    return {
        "instrument_id": record["instrument_id"],
        "symbol": record["instrument_id"].rpartition(".")[0],
        "mic": record["mic"],
        "currency": record["currency"],
        "price_units": int(record["price_units"]),
        "from_date": _day(0, record, "from_date"),
        "to_date": _day(0, record, "to_date"),
        "source_system": source,
        "region": record.get("region") or exchange_of(record["mic"]).country,
        "category": record.get("category") or "equity",
        "quality_flags": [],
        "tags": record.get("tags", "").split(),
    }


def _symbols(record: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each source's column that is filled."""
    for source in sorted(record.keys() - {*REQUIRED, *OPTIONAL}):
        if record[source]:
            yield {
                "source": source,
                "symbol": record[source],
                "from_date": _day(0, record, "from_date") or ALWAYS,
                "to_date": _day(0, record, "to_date"),
                "instrument_id": record["instrument_id"],
            }
