"""The bytes of a recorded file as a frame of named fields, nothing interpreted yet.

What belongs here: compression, text encoding, lines, headers, Parquet. What the fields mean is in
recorded.py and recorded_times.py. CSV fields stay text; Parquet keeps its types.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch

import polars as pl

from findata_core.errors import MalformedPayload
from findata_resources.providers.recorded_keys import ColumnName
from findata_resources.providers.recorded_manifest import LayoutPart

LOOK_AT_LAYOUT = "Look at the file, correct the set's layout in the manifest, and load it again"
TICKER = "Ticker"  # name of the field that a yfinance header's second line becomes

_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK", b"PAR1"
# What Python trims from ASCII text; characters that it trims or splits at besides are left to its own reader.
_BLANKS = " \t\n\r\x0b\x0c"
_ODD = frozenset("\x00\x1c\x1d\x1e\x1f\r")
_YFINANCE_LEVELS = ({"Price", "Ticker"}, {"Price", "Symbols"})


def fields(body: bytes, layout: LayoutPart, nulls: Sequence[str]) -> pl.DataFrame:
    """Return the payload's rows with one column per field; MalformedPayload where it can't be cut."""
    content = uncompressed(body, layout.member)
    if layout.format == "parquet":
        return _parquet(content)
    lines = _lines(content, layout)
    plain = _split(lines, layout.delimiter) if layout.header != "yfinance" else None
    if plain is not None:
        return _named(plain, layout, nulls)
    rows = list(_rows(lines, layout))
    if layout.header == "yfinance":
        return _yfinance(rows, nulls)
    if layout.header == "none":
        return _frame([str(position) for position in range(len(rows[0]))] if rows else [], rows, nulls)
    if not rows:
        raise MalformedPayload("The file has no header line", LOOK_AT_LAYOUT)
    return _frame(rows[0], rows[1:], nulls)


def field(frame: pl.DataFrame, name: ColumnName) -> pl.Series:
    """Return the field of that name or position (from 0)."""
    if isinstance(name, int):
        if name >= frame.width:
            raise MalformedPayload(f"There is no field {name}: the rows have {frame.width}", LOOK_AT_LAYOUT)
        return frame.to_series(name)
    if name not in frame.columns:
        raise MalformedPayload(
            f"There is no column '{name}'; the file has {', '.join(map(repr, frame.columns))}",
            "Correct the column's name in the manifest, and load it again",
        )
    return frame.get_column(name)


def uncompressed(body: bytes, member: str | None = None) -> bytes:
    """Return the content of a gzip or zip body, told by its first bytes; other bodies as they are."""
    try:
        if body.startswith(_GZIP):
            return gzip.decompress(body)
        if body.startswith(_ZIP):
            return _unzipped(body, member)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise MalformedPayload(f"The compressed file is broken: {error}", "Get the file again") from error
    return body


def _unzipped(body: bytes, member: str | None) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]  # as folders do
        chosen = [name for name in names if member is None or fnmatch(name, member)]
        if len(chosen) != 1:
            raise MalformedPayload(
                f"The zip holds {', '.join(names) or 'nothing'}: {len(chosen)} of them could be meant",
                "Give layout.member, a glob that fits one of them",
            )
        return archive.read(chosen[0])


def _parquet(content: bytes) -> pl.DataFrame:
    if not content.startswith(_PARQUET):
        raise MalformedPayload("The file is not Parquet", LOOK_AT_LAYOUT)
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise MalformedPayload(f"The Parquet file can't be read: {error}", "Get the file again") from error


def _lines(content: bytes, layout: LayoutPart) -> list[str]:
    """Return header and rows as lines, without those that the layout skips."""
    try:
        lines = content.decode(layout.encoding).splitlines()[layout.skip_lines :]
    except UnicodeDecodeError as error:
        raise MalformedPayload(f"The text is not {layout.encoding}: {error}", LOOK_AT_LAYOUT) from error
    heads = 0 if layout.header == "none" else 1
    return lines[:heads] + lines[heads + layout.skip_lines_after_header :]


def _rows(lines: Sequence[str], layout: LayoutPart) -> Iterable[list[str]]:
    """Yield lines as lists of trimmed fields; empty lines are no rows."""
    try:
        for row in csv.reader(lines, delimiter=layout.delimiter):
            if any(item.strip() for item in row):
                yield [item.strip() for item in row]
    except csv.Error as error:
        raise MalformedPayload(f"The text is no CSV: {error}", LOOK_AT_LAYOUT) from error


def _split(lines: Sequence[str], delimiter: str) -> pl.DataFrame | None:
    """Return what _rows() would, as columns; None where a line needs a CSV reader or has another number of fields.

    Most files are plain, and most of a load's time was spent on their cells one by one.
    """
    text = "\n".join(lines)
    if not lines or '"' in text or not text.isascii() or not _ODD.isdisjoint(text):
        return None
    column = pl.Series("line", lines, dtype=pl.String)
    kept = column.filter(column.str.strip_chars(_BLANKS + delimiter) != "")
    counts = kept.str.count_matches(delimiter, literal=True)
    if kept.is_empty() or counts.n_unique() > 1 or kept.str.len_bytes().max() > csv.field_size_limit():  # type: ignore[operator]
        return None
    cells = kept.str.split_exact(delimiter, counts[0]).struct.unnest()
    return cells.select(pl.all().str.strip_chars(_BLANKS))


def _named(cells: pl.DataFrame, layout: LayoutPart, nulls: Sequence[str]) -> pl.DataFrame:
    """Return the rows under their names, nulls for what the manifest calls so."""
    if layout.header == "none":
        names, rows = [str(position) for position in range(cells.width)], cells
    else:
        names, rows = list(cells.row(0)), cells[1:]
    _refuse_doubled(names)
    return rows.select(
        pl.when(~pl.nth(position).is_in(list(nulls))).then(pl.nth(position)).alias(name)
        for position, name in enumerate(names)
    )


def _frame(names: Sequence[str], rows: Sequence[Sequence[str]], nulls: Sequence[str]) -> pl.DataFrame:
    """Return text columns. A line cut short ends in nulls; one with too many fields is all nulls.

    Both stay rows: which column such a line's fields belong to is a guess, and refusing is done downstream.
    """
    _refuse_doubled(names)
    width, marks = len(names), frozenset(nulls)
    cells = [[_cell(row, index, width, marks) for row in rows] for index in range(width)]
    return pl.DataFrame(dict(zip(names, cells, strict=True)), schema=dict.fromkeys(names, pl.String()))


def _refuse_doubled(names: Sequence[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise MalformedPayload(
            f"Several columns are called {', '.join(map(repr, doubled))}",
            'Set header = "none" and skip_lines = 1 and name columns by position, or header = "yfinance"',
        )


def _cell(row: Sequence[str], index: int, width: int, nulls: frozenset[str]) -> str | None:
    if len(row) > width or index >= len(row) or row[index] in nulls:
        return None
    return row[index]


def _yfinance(rows: list[list[str]], nulls: Sequence[str]) -> pl.DataFrame:
    """Unfold yfinance's three header lines (Price, Ticker, Datetime) into one row per stamp and ticker.

    Either of the first two lines may stand above the other (group_by). Of several tickers, one that has no
    value at all at a stamp has no row there: the file only pads its table with empty fields.
    """
    if len(rows) < 3 or {rows[0][0], rows[1][0]} not in _YFINANCE_LEVELS:
        raise MalformedPayload("The header is not yfinance's (Price, Ticker, Datetime)", LOOK_AT_LAYOUT)
    prices, tickers = (rows[0], rows[1]) if rows[0][0] == "Price" else (rows[1], rows[0])
    stamp = rows[2][0]
    frames = [
        _one_ticker(ticker, stamp, prices, tickers, rows[3:], nulls) for ticker in dict.fromkeys(tickers[1:])
    ]
    if len(frames) > 1:
        frames = [frame.filter(~pl.all_horizontal(pl.exclude(stamp, TICKER).is_null())) for frame in frames]
    return pl.concat(frames, how="diagonal")


def _one_ticker(
    ticker: str,
    stamp: str,
    prices: list[str],
    tickers: list[str],
    rows: Sequence[Sequence[str]],
    nulls: Sequence[str],
) -> pl.DataFrame:
    positions = [0, *(index for index in range(1, len(prices)) if tickers[index] == ticker)]
    names = [stamp, *(prices[index] for index in positions[1:])]
    picked = [[row[index] for index in positions] if len(row) == len(prices) else [""] for row in rows]
    return _frame(names, picked, nulls).with_columns(pl.lit(ticker).alias(TICKER))
