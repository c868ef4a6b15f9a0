"""The tables that proto/ declares, read from the descriptors: the one place where columns come from.

Here belongs what a table and a column are. What is made of them (SQL, Pandera, Arrow, documentation)
is in the modules beside this one and in findata_resources/migrations.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FieldOptions,
    FileDescriptorProto,
    MessageOptions,
)

from findata import descriptor_set
from findata.annotations.v1 import annotations_pb2
from findata_core.errors import ConfigurationError

MESSAGE_PATH, FIELD_PATH = 4, 2  # field numbers in descriptor.proto, by which comments are found


class ColumnKind(StrEnum):
    """The kinds of values that a column can hold."""

    TEXT = "text"
    TEXT_LIST = "text list"
    FLOAT64 = "float64"
    INT32 = "int32"
    INT64 = "int64"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp (UTC, microseconds)"
    DATE = "date"
    DECIMAL = "decimal"
    JSON = "json"


class LakePartition(StrEnum):
    """How the rows of a table are cut into objects of the lake."""

    NONE = "none"
    SESSION = "session"
    MONTH = "month"
    WHOLE = "whole"


@dataclass(frozen=True)
class Column:
    """One column: what it holds, its bounds (both inclusive), its unit and its meaning."""

    name: str
    kind: ColumnKind
    is_nullable: bool
    comment: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    is_knowledge: bool = False
    deprecated_until: str = ""


@dataclass(frozen=True)
class Table:
    """One table; `message` is the full name of the proto message that declares it."""

    schema: str
    name: str
    message: str
    comment: str
    columns: tuple[Column, ...]
    business_key: tuple[str, ...]
    time_column: str
    chunk_days: int
    has_history: bool
    digest_subject: str
    digest_date: str
    digest_slice: tuple[str, ...]
    lake_partition: LakePartition
    snapshot_date: str = ""

    @property
    def address(self) -> str:
        """`schema.name`, as in SQL."""
        return f"{self.schema}.{self.name}"

    @property
    def asset_key(self) -> tuple[str, str]:
        """The Dagster asset key: the address in two parts."""
        return (self.schema, self.name)

    @property
    def column_names(self) -> list[str]:
        """Names in proto field order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def __hash__(self) -> int:
        """Hash what names the table and how wide it is: every comment of it takes longer than what is kept by it."""
        return hash((self.schema, self.name, len(self.columns)))

    def narrowed(self, names: Collection[str]) -> "Table":
        """Return the table with these of its columns alone, for reading them."""
        return replace(self, columns=tuple(column for column in self.columns if column.name in names))

    def history(self) -> "Table":
        """Return the table of closed versions: the same columns and when each version was superseded."""
        superseded = Column(
            "superseded_time",
            ColumnKind.TIMESTAMP,
            is_nullable=False,
            comment="Receive time of the payload that said otherwise: this version was current until then, exclusive.",
            is_knowledge=True,
        )
        return replace(
            self,
            schema="history",
            columns=(*self.columns, superseded),
            business_key=(*self.business_key, "ingest_time"),
            comment=f"Closed versions of {self.address}. {self.comment}",
            has_history=False,
            digest_subject="",
            lake_partition=LakePartition.NONE,
        )


def table(address: str) -> Table:
    """Return the declared table `schema.name`; ConfigurationError names the known ones."""
    known = _by_address()
    if address not in known:
        raise ConfigurationError(f"No table is called {address}", f"Use one of {', '.join(sorted(known))}")
    return known[address]


@cache
def _by_address() -> dict[str, Table]:
    return {item.address: item for item in tables()}


@cache
def tables() -> tuple[Table, ...]:
    """Return all declared tables, current ones and histories, sorted by address."""
    declared = [item for file in descriptor_set().file for item in _tables_of(file)]
    histories = [item.history() for item in declared if item.has_history]
    return tuple(sorted([*declared, *histories], key=lambda item: item.address))


def _tables_of(file: FileDescriptorProto) -> Iterator[Table]:
    comments = comments_of(file)
    for index, message in enumerate(file.message_type):
        for option in extension(message.options, annotations_pb2.tables):
            yield _table(file, message, option, comments.get((MESSAGE_PATH, index), ""))


def _table(
    file: FileDescriptorProto, message: DescriptorProto, option: annotations_pb2.Table, comment: str
) -> Table:
    return Table(
        schema=option.schema,
        name=option.name,
        message=f"{file.package}.{message.name}",
        comment=" ".join(part for part in (option.purpose, comment) if part),
        columns=tuple(columns_of(file, message)),
        business_key=tuple(option.business_key),
        time_column=option.time_column,
        chunk_days=option.chunk_days,
        has_history=option.has_history,
        digest_subject=option.digest_subject,
        digest_date=option.digest_date,
        digest_slice=tuple(option.digest_slice),
        lake_partition=_LAKE_PARTITIONS[option.lake_partition],
        snapshot_date=option.snapshot_date,
    )


def columns_of(file: FileDescriptorProto, message: DescriptorProto) -> Iterator[Column]:
    """Yield a message's columns; those of an embedded message stand in its place."""
    comments = comments_of(file)
    position = [item.name for item in file.message_type].index(message.name)
    for index, field in enumerate(message.field):
        if field.type == FieldDescriptorProto.TYPE_MESSAGE and field.type_name != TIMESTAMP_TYPE:
            yield from columns_of(*_message(field.type_name))
        else:
            yield _column(field, comments.get((MESSAGE_PATH, position, FIELD_PATH, index), ""))


def _column(field: FieldDescriptorProto, comment: str) -> Column:
    option: annotations_pb2.Column = extension(field.options, annotations_pb2.column)
    return Column(
        name=field.name,
        kind=_kind(field, option),
        is_nullable=field.proto3_optional,
        comment=comment + _deprecation(field, option),
        unit=option.unit,
        minimum=option.minimum if option.HasField("minimum") else None,
        maximum=option.maximum if option.HasField("maximum") else None,
        allowed=tuple(option.allowed),
        pattern=option.pattern,
        is_knowledge=option.is_knowledge,
        deprecated_until=option.deprecated_until,
    )


def _deprecation(field: FieldDescriptorProto, option: annotations_pb2.Column) -> str:
    """Return what a column's comment says besides where proto/ deprecates it; it must say until when it stays."""
    if field.options.deprecated != bool(option.deprecated_until):
        raise ConfigurationError(
            f"The field {field.name} has one of deprecated and deprecated_until",
            "Give both in proto/: a reader must know until when the column stays",
        )
    return f" Deprecated: stays until {option.deprecated_until} at least." if field.options.deprecated else ""


def _kind(field: FieldDescriptorProto, option: annotations_pb2.Column) -> ColumnKind:
    if option.type:
        return _DECLARED_KINDS[option.type]
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return ColumnKind.TEXT_LIST
    return _PLAIN_KINDS[field.type]


def _message(type_name: str) -> tuple[FileDescriptorProto, DescriptorProto]:
    for file in descriptor_set().file:
        for message in file.message_type:
            if type_name == f".{file.package}.{message.name}":
                return file, message
    raise ConfigurationError(f"No message is called {type_name}", "Run scripts/generate.py")


def extension(options: MessageOptions | FieldOptions, extension: Any) -> Any:
    """Return an option of ours; the generated types know it as a plain field descriptor."""
    return options.Extensions[extension]


def comments_of(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """Leading comments by their path in the file, on one line each."""
    return {
        tuple(location.path): " ".join(location.leading_comments.split())
        for location in file.source_code_info.location
    }


TIMESTAMP_TYPE = ".google.protobuf.Timestamp"

_PLAIN_KINDS: dict[int, ColumnKind] = {
    FieldDescriptorProto.TYPE_STRING: ColumnKind.TEXT,
    FieldDescriptorProto.TYPE_DOUBLE: ColumnKind.FLOAT64,
    FieldDescriptorProto.TYPE_INT32: ColumnKind.INT32,
    FieldDescriptorProto.TYPE_INT64: ColumnKind.INT64,
    FieldDescriptorProto.TYPE_BOOL: ColumnKind.BOOLEAN,
    FieldDescriptorProto.TYPE_MESSAGE: ColumnKind.TIMESTAMP,
}
_DECLARED_KINDS: dict[int, ColumnKind] = {
    annotations_pb2.COLUMN_TYPE_DATE: ColumnKind.DATE,
    annotations_pb2.COLUMN_TYPE_DECIMAL: ColumnKind.DECIMAL,
    annotations_pb2.COLUMN_TYPE_JSON: ColumnKind.JSON,
}
_LAKE_PARTITIONS: dict[int, LakePartition] = {
    annotations_pb2.LAKE_PARTITION_UNSPECIFIED: LakePartition.NONE,
    annotations_pb2.LAKE_PARTITION_SESSION: LakePartition.SESSION,
    annotations_pb2.LAKE_PARTITION_MONTH: LakePartition.MONTH,
    annotations_pb2.LAKE_PARTITION_WHOLE: LakePartition.WHOLE,
}
