"""docs/data/*.md, one page per table and per view of v1, written from the contract: never edited by hand.

`python -m findata_core.schema.docs FOLDER` writes them; the only file access of the package is in main().
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from findata_core.schema.tables import Column, LakePartition, Table, tables
from findata_core.schema.validation import reasons
from findata_core.schema.views import View, views

GENERATED = "<!-- Generated from proto/ by scripts/generate.py; never edited. -->"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name, the index included."""
    documented = [table for table in tables() if table.schema != "history"]
    texts = {f"{table.address}.md": page(table) for table in documented}
    promised = {f"{view.address}.md": view_page(view) for view in views()}
    return {"README.md": index(documented), **promised, **texts}


def index(documented: list[Table]) -> str:
    """Return the lists of all views and tables."""
    lines = [
        GENERATED,
        "# Views and tables",
        "",
        "What readers are promised ([reading by SQL](../sql.md)):",
        "",
    ]
    lines += ["| view | what it holds |", "|---|---|", *map(_line, views()), ""]
    lines += ["What they are made of, which may change:", ""]
    lines += ["| table | what it holds |", "|---|---|", *map(_line, documented), ""]
    return "\n".join(lines)


def _line(item: Table) -> str:
    return f"| [{item.address}]({item.address}.md) | {first_sentence(item.comment)} |"


def view_page(view: View) -> str:
    """Return one view's page: what identifies a row, what is asked of it besides, the columns."""
    return "\n".join(
        [
            GENERATED,
            f"# {view.address}",
            "",
            view.comment,
            "",
            f"- declared by `{view.message}`; its columns, their types and order never change ([SQL](../sql.md))",
            f"- a row is identified by {', '.join(f'`{name}`' for name in view.business_key)}",
            *view_facts(view),
            "",
            *columns(view),
            "",
        ]
    )


def view_facts(view: View) -> Iterator[str]:
    """Yield which rows a view shows, and its function."""
    if view.settles:
        yield f"- rows from their `settles_time` on; `{view.live().address}` shows the others too and has `is_settled`"
    else:
        yield f"- the same as `{view.live().address}`"
    if view.has_as_of:
        yield f"- `{view.address}_as_of(instant)`: what it showed at an instant"


def page(table: Table) -> str:
    """Return one table's page: what identifies a row, the columns, the rules."""
    return "\n".join(
        [
            GENERATED,
            f"# {table.address}",
            "",
            table.comment,
            "",
            *facts(table),
            "",
            *columns(table),
            "",
            "## Rules",
            "",
            *(f"- `{rule}`: {reason}" for rule, reason in reasons(table).items()),
            "",
        ]
    )


def facts(table: Table) -> Iterator[str]:
    """Yield how the table is keyed and stored."""
    yield f"- declared by `{table.message}`"
    yield f"- business key: {', '.join(f'`{name}`' for name in table.business_key)}"
    if table.chunk_days:
        yield f"- hypertable on `{table.time_column}`, chunks of {table.chunk_days} days"
    if table.has_history:
        yield f"- closed versions: `history.{table.name}`, each with `superseded_time`"
    if table.lake_partition is not LakePartition.NONE:
        yield f"- in the lake: Parquet, cut by {table.lake_partition}"


def columns(table: Table) -> list[str]:
    """Return the lines of the table of columns."""
    head = ["| column | type | unit | null | meaning |", "|---|---|---|---|---|"]
    return [*head, *(column_row(column) for column in table.columns)]


def column_row(column: Column) -> str:
    """Return a column's line."""
    values = f" One of {', '.join(f'`{value}`' for value in column.allowed)}." if column.allowed else ""
    null = "yes" if column.is_nullable else "no"
    return f"| `{column.name}` | {column.kind} | {column.unit} | {null} | {column.comment}{values} |"


def first_sentence(text: str) -> str:
    """Return the text up to its first full stop."""
    return text.split(". ", maxsplit=1)[0].rstrip(".") + "."


def main(folder: Path) -> None:
    """Write every page and delete what no table declares any more."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for stale in set(folder.glob("*.md")) - {folder / name for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
