"""The shape of v1 as it was released: v1.json, names and types of the columns of each view, in their order.

`python -m tests.contract.shape` writes it after an addition, and refuses to write anything else.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sqlalchemy.dialects import postgresql

from findata_core.schema.views import live_views, views
from findata_resources.migrations.model import SQL_TYPES

RELEASED = Path(__file__).parent / "v1.json"

Shape = dict[str, list[list[str]]]


def declared() -> Shape:
    """Return the shape that proto/ declares."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return {
        item.address: [
            [column.name, SQL_TYPES[column.kind].compile(dialect=dialect)] for column in item.columns
        ]
        for item in (*views(), *live_views())
    }


def released() -> Shape:
    """Return the shape that was promised."""
    shape: Shape = json.loads(RELEASED.read_text())
    return shape


def broken(promised: Shape, now: Shape) -> list[str]:
    """Return what is no longer as promised; columns that were added at the end are none of it.

    In v1_live is_settled stays the last column, so that what is added stands before it.
    """
    found = []
    for address, columns in promised.items():
        there = now.get(address, [])
        kept = [column for column in columns if column[0] != "is_settled"]
        if there[: len(kept)] != kept or (kept != columns and there[-1:] != columns[-1:]):
            found.append(f"{address} has {there}, and {columns} was promised")
    return found


if __name__ == "__main__":
    changes = broken(released(), declared()) if RELEASED.exists() else []
    if changes:
        sys.exit("\n".join([*changes, "v1 only grows at the end; see docs/sql.md for what v2 would take"]))
    lines = [f'"{address}": {json.dumps(columns)}' for address, columns in sorted(declared().items())]
    RELEASED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
