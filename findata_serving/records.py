"""What a row is that readers get: its columns, from the contract, and the relation that it is read from.

What belongs here: records by name, columns added on the way. What does not: SQL (reading), bytes (formats).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from findata_core.schema.tables import Column, ColumnKind, Table
from findata_core.schema.views import LIVE, view


@dataclass(frozen=True, eq=False)
class Record:
    """A kind of row. `relation`: where SQL reads it; "" for what is computed. `message`: what declares it."""

    name: str
    relation: str
    message: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def with_columns(self, *added: Column) -> Record:
        """Return the record with further columns at the end."""
        return replace(self, columns=(*self.columns, *added))

    def only(self, *names: str) -> Record:
        """Return the record with these columns alone, in their order."""
        return replace(self, columns=tuple(column for column in self.columns if column.name in names))


def of_table(found: Table, name: str) -> Record:
    """Return the rows of a table as a record."""
    return Record(name, found.address, found.message, found.comment, found.columns)


@cache
def record(name: str) -> Record:
    """Return the record of a view that readers are promised, with the rows that may still change."""
    found = view(f"{LIVE}.{name}")
    return of_table(found, found.message.rpartition(".")[2])


def added(name: str, kind: ColumnKind, comment: str, *, is_nullable: bool = False, unit: str = "") -> Column:
    """Return a column that no table has."""
    return Column(name, kind, is_nullable=is_nullable, comment=comment, unit=unit)


def described(record: Record, **allowed: tuple[str, ...]) -> Record:
    """Return a record of which some columns may hold these values."""
    columns = (replace(column, allowed=allowed.get(column.name, column.allowed)) for column in record.columns)
    return replace(record, columns=tuple(columns))
