"""Rows as the messages that declare them, and as JSON by protobuf's own mapping; and back.

For readers and writers of single records. Bulk work stays in frames: a message a row is a thousand
times slower than a column.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import Message

from findata import descriptor_set
from findata_core.errors import DataError
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import Table

# Descriptors are typed twice, by protobuf's Python and by its C part; Any stands for either.
TIMESTAMP = "google.protobuf.Timestamp"


def messages(table: Table, frame: pl.DataFrame) -> Iterator[Message]:
    """Yield one message per row; nulls leave optional fields unset. History's superseded_time is left out."""
    for row in conform(frame, table).iter_rows(named=True):
        yield _filled(message_class(table.message)(), row)


def frame_of(table: Table, records: Iterable[Message]) -> pl.DataFrame:
    """Return messages as a frame in the table's shape."""
    schema = polars_schema(table)
    dates = [name for name, kind in schema.items() if isinstance(kind, pl.Date)]
    written = {name for name, kind in schema.items() if isinstance(kind, pl.Date | pl.Decimal)}
    texts = {name: pl.String() if name in written else kind for name, kind in schema.items()}
    rows = pl.DataFrame([_flat(record) for record in records], schema=texts)
    return conform(rows.with_columns(pl.col(dates).str.to_date("%Y-%m-%d")), table)


def json_lines(table: Table, frame: pl.DataFrame) -> Iterator[str]:
    """Yield one line of JSON per row by protobuf's mapping: lowerCamelCase names, 64-bit integers as text."""
    for record in messages(table, frame):
        yield json_format.MessageToJson(record, indent=None)


def from_json_lines(table: Table, lines: Iterable[str]) -> pl.DataFrame:
    """Return lines of JSON as a frame; DataError names what is not the message."""
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json_format.Parse(line, message_class(table.message)()))
        except json_format.ParseError as error:
            raise DataError(
                f"Line {number} is no {table.message}: {error}",
                f"Compare it with docs/data/{table.address}.md",
            ) from error
    return frame_of(table, records)


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a message of the contract by its full name."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_set().file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _filled(record: Message, row: Mapping[str, Any]) -> Message:
    for field in record.DESCRIPTOR.fields:
        if _is_embedded(field):
            _filled(getattr(record, field.name), row)
        elif row[field.name] is not None:
            _set(record, field, row[field.name])
    return record


def _set(record: Message, field: Any, value: Any) -> None:
    if isinstance(value, datetime):
        getattr(record, field.name).FromDatetime(value.astimezone(UTC).replace(tzinfo=None))
    elif isinstance(value, list):
        getattr(record, field.name).extend(value)
    elif isinstance(value, date):
        setattr(record, field.name, value.isoformat())
    else:
        setattr(record, field.name, f"{value:f}" if isinstance(value, Decimal) else value)


def _flat(record: Message) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in record.DESCRIPTOR.fields:
        value = getattr(record, field.name)
        if _is_embedded(field):
            row |= _flat(value)
        elif field.has_presence and not record.HasField(field.name):
            row[field.name] = None
        elif _is_timestamp(field):
            row[field.name] = value.ToDatetime(tzinfo=UTC)
        else:
            row[field.name] = list(value) if field.is_repeated else value
    return row


def _is_timestamp(field: Any) -> bool:
    return field.message_type is not None and field.message_type.full_name == TIMESTAMP


def _is_embedded(field: Any) -> bool:
    return field.message_type is not None and not _is_timestamp(field)
