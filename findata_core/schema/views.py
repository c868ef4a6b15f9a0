"""The views that readers are promised (schemas v1 and v1_live), read from the descriptors as tables are.

A view has a table's shape, so that what is made of tables (frames, Arrow, rows, documentation) is made of views
too. Which tables a view's rows come from is no part of the promise: see findata_resources/migrations/views.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from findata import descriptor_set
from findata.annotations.v1 import annotations_pb2
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import (
    MESSAGE_PATH,
    Column,
    ColumnKind,
    LakePartition,
    Table,
    columns_of,
    comments_of,
    extension,
)

SETTLED, LIVE = "v1", "v1_live"
SETTLES = "settles_time"
IS_SETTLED = Column(
    "is_settled",
    ColumnKind.BOOLEAN,
    is_nullable=False,
    comment="Whether settles_time has come: false while the row may still change.",
)


@dataclass(frozen=True)
class View(Table):
    """A view; `has_as_of`: whether a function `<address>_as_of(instant)` answers what it showed at an instant."""

    has_as_of: bool = False

    __hash__ = Table.__hash__

    @property
    def settles(self) -> bool:
        """Whether rows of it may still change: then v1 shows them once they are settled, v1_live always."""
        return any(column.name == SETTLES for column in self.columns)

    def live(self) -> "View":
        """Return the same view with the rows that may still change, and which of them those are as last column."""
        added = (IS_SETTLED,) if self.settles else ()
        return replace(self, schema=LIVE, columns=(*self.columns, *added))


def view(address: str) -> View:
    """Return the view `schema.name`, for example v1_live.candles; ConfigurationError names the known ones."""
    known = {item.address: item for item in (*views(), *live_views())}
    if address not in known:
        raise ConfigurationError(f"No view is called {address}", f"Use one of {', '.join(sorted(known))}")
    return known[address]


@cache
def views() -> tuple[View, ...]:
    """Return the views of v1: what is settled, and all that can't change by settling; sorted by name."""
    declared = [item for file in descriptor_set().file for item in _views_of(file)]
    return tuple(sorted(declared, key=lambda item: item.name))


@cache
def live_views() -> tuple[View, ...]:
    """Return the views of v1_live: those of v1 with the rows that may still change."""
    return tuple(item.live() for item in views())


def _views_of(file: FileDescriptorProto) -> Iterator[View]:
    comments = comments_of(file)
    for index, message in enumerate(file.message_type):
        for option in extension(message.options, annotations_pb2.views):
            comment = comments.get((MESSAGE_PATH, index), "")
            yield _view(option, f"{file.package}.{message.name}", comment, tuple(columns_of(file, message)))


def _view(option: annotations_pb2.View, message: str, comment: str, columns: tuple[Column, ...]) -> View:
    return View(
        schema=option.schema,
        name=option.name,
        message=message,
        comment=option.purpose or comment,
        columns=columns,
        business_key=tuple(option.business_key),
        has_as_of=option.has_as_of,
        time_column="",
        chunk_days=0,
        has_history=False,
        digest_subject="",
        digest_date="",
        digest_slice=(),
        lake_partition=LakePartition.NONE,
    )
