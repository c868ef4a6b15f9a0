"""docs/data/*.md, one page per table, written from the contract: never edited by hand.

`python -m findata_core.schema.docs FOLDER` writes them; the only file access of the package is in main().
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from findata_core.schema.tables import Column, LakePartition, Table, tables
from findata_core.schema.validation import reasons

GENERATED = "<!-- Generated from proto/ by scripts/generate.py; never edited. -->"


def pages() -> dict[str, str]:
    """Return the text of every page by its file name, the index included."""
    documented = [table for table in tables() if table.schema != "history"]
    texts = {f"{table.address}.md": page(table) for table in documented}
    return {"README.md": index(documented), **texts}


def index(documented: list[Table]) -> str:
    """Return the list of all tables."""
    rows = [f"| [{t.address}]({t.address}.md) | {first_sentence(t.comment)} |" for t in documented]
    lines = [GENERATED, "# Tables", "", "| table | what it holds |", "|---|---|", *rows, ""]
    return "\n".join(lines)


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
            "| column | type | unit | null | meaning |",
            "|---|---|---|---|---|",
            *(column_row(column) for column in table.columns),
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
