"""Rows as Parquet and back: small objects in one go, merged ones a few instruments at a time.

What belongs here: bytes and frames. What does not: where objects lie (lake_layout), who puts them (lake).

A merged object is sorted by business key and cut into row groups at instruments, so that a reader of one
instrument skips the others by the groups' statistics. A year of minutes does not fit into memory as rows: it is
made from the compressed objects and the database, batch by batch.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from findata_core.errors import DataError, NotEqual
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import Table

ROW_GROUP_ROWS = 3_900  # about ten instruments of a session: a reader of one instrument skips the others
LARGEST_GROUP_ROWS = 32_768  # a year of one instrument's minutes is three groups
BATCH_ROWS = 400_000  # rows in memory at a time: about a hundred megabytes of bars
MADE_OF = b"findata.made_of"

RowsOf = Callable[[list[str]], pl.DataFrame]


def parquet(rows: pl.DataFrame) -> bytes:
    """Return the rows as Parquet, row groups small enough to be skipped by instrument."""
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=1, row_group_size=ROW_GROUP_ROWS)
    return buffer.getvalue()


def rows_in(source: Table, key: str, body: bytes) -> pl.DataFrame:
    """Return the rows of an object; NotEqual if they are not the table's."""
    return checked(source, key, lambda: pl.read_parquet(io.BytesIO(body)))


def checked(source: Table, key: str, read: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Return what `read` returns in the table's shape; NotEqual if it is not the table's Parquet."""
    try:
        return conform(read(), source)
    except (pl.exceptions.PolarsError, DataError) as error:
        raise NotEqual(
            f"The object {key} is not the table's Parquet: {error}", "Run findata rebuild"
        ) from error


def rows_of_subjects(source: Table, bodies: Mapping[str, bytes], subjects: Sequence[str]) -> pl.DataFrame:
    """Return the rows of some subjects in some objects (key -> bytes), by business key."""
    chosen = pl.col(source.digest_subject).is_in(list(subjects))
    frames = [
        checked(source, key, lambda body=body: pl.scan_parquet(io.BytesIO(body)).filter(chosen).collect())  # type: ignore[misc]
        for key, body in bodies.items()
    ]
    return pl.concat([empty(source), *frames]).sort(source.business_key)


def subjects_in(source: Table, bodies: Mapping[str, bytes]) -> dict[str, int]:
    """Return how many rows each subject has in some objects."""
    counts: dict[str, int] = {}
    for key, body in bodies.items():
        try:
            lazy = pl.scan_parquet(io.BytesIO(body)).group_by(source.digest_subject).len()
            for subject, rows in lazy.collect().iter_rows():
                counts[subject] = counts.get(subject, 0) + rows
        except (pl.exceptions.PolarsError, DataError) as error:
            raise NotEqual(
                f"The object {key} is not the table's Parquet: {error}", "Run findata rebuild"
            ) from error
    return counts


def batches(counts: Mapping[str, int], most_rows: int = BATCH_ROWS) -> Iterator[list[str]]:
    """Yield the subjects in their order, as many at a time as have so many rows together."""
    batch: list[str] = []
    rows = 0
    for subject in sorted(counts):
        if batch and rows + counts[subject] > most_rows:
            yield batch
            batch, rows = [], 0
        batch.append(subject)
        rows += counts[subject]
    if batch:
        yield batch


def merged_parquet(
    source: Table, counts: Mapping[str, int], rows_of: RowsOf, made_of: Mapping[str, str]
) -> bytes:
    """Return one object of the rows that `rows_of` gives for batches of subjects.

    `made_of`: the objects that it takes the place of, key -> ETag, kept in the file's own metadata.
    """
    buffer = io.BytesIO()
    schema = empty(source).to_arrow().schema
    with pq.ParquetWriter(buffer, schema, compression="zstd", compression_level=1) as writer:
        for batch in batches(counts):
            frame = rows_of(batch)
            for start, length in _groups(source, frame):
                part = frame.slice(start, length).to_arrow().cast(schema)
                writer.write_table(part, row_group_size=length)
        writer.add_key_value_metadata({MADE_OF: json.dumps(dict(made_of)).encode()})
    return buffer.getvalue()


def made_of(body: bytes) -> dict[str, str] | None:
    """Return the objects that a merged one takes the place of, key -> ETag; None if it says nothing of it."""
    try:
        metadata = pq.ParquetFile(io.BytesIO(body)).metadata.metadata or {}
        return dict(json.loads(metadata[MADE_OF]))
    except (pa.ArrowException, KeyError, ValueError, OSError):
        return None


def is_at_home(source: Table, rows: pl.DataFrame, start: date | None, end: date | None) -> bool:
    """Tell whether all rows are of dates in [start, end)."""
    if start is None or end is None or rows.is_empty():
        return True
    return bool(rows.get_column(source.digest_date).is_between(start, end, closed="left").all())


def _groups(source: Table, frame: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Yield the row groups (start, length) of sorted rows: cut at subjects, none of them large."""
    start = length = 0
    for rows in frame.get_column(source.digest_subject).rle().struct.field("len"):
        length += rows
        if length < ROW_GROUP_ROWS:
            continue
        while length:
            taken = min(length, LARGEST_GROUP_ROWS)
            yield start, taken
            start, length = start + taken, length - taken
    if length:
        yield start, length
