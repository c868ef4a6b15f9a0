"""`python -m benchmarks`: run them and print each measure beside its target; exit status 1 says that one missed.

What belongs here: which benchmarks there are, and how a report looks. What does not: what they measure.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    backfill,
    candles,
    client,
    end_to_end,
    knowing,
    lake,
    repair,
    serving,
    validation,
    write,
)
from benchmarks.measuring import Line, seconds_of
from benchmarks.servers import temporary_home, temporary_servers

VERSIONS = ("polars", "numpy", "numba", "pandas", "pandera", "psycopg", "dagster")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are asked for; return the exit status."""
    options = _options(arguments)
    chosen = options.only or list(BENCHMARKS)
    show = _show_json if options.json else _show_text
    show({"machine": machine()})
    lines: list[Line] = []
    for name in chosen:
        measured: list[Line] = []
        spent = seconds_of(lambda name=name, into=measured: into.extend(BENCHMARKS[name]()))  # type: ignore[misc]
        lines += measured
        for line in measured:
            show(_as_record(name, line))
        show({"benchmark": name, "seconds": round(spent, 1)})
    missed = [line.name for line in lines if not line.is_met]
    show({"missed": missed, "measured": len(lines)})
    return 1 if missed else 0


def measure_write() -> list[Line]:
    """The write benchmark on a database of its own."""
    with temporary_home() as home, temporary_servers(home) as (_, endpoints):
        return write.run(endpoints.database_url)


BENCHMARKS: Mapping[str, Callable[[], list[Line]]] = {
    "backfill": backfill.run,
    "candles": candles.run,
    "client": client.run,
    "end_to_end": end_to_end.run,
    "knowing": knowing.run,
    "lake": lake.run,
    "repair": repair.run,
    "serving": serving.run,
    "validation": validation.run,
    "write": measure_write,
}


def machine() -> dict[str, object]:
    """What a ratio depends on after all: cores, memory, versions."""
    memory = Path("/proc/meminfo").read_text().split()[1]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory) * 1024 / 1e9, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")
    parser.add_argument(
        "--only", action="append", choices=sorted(BENCHMARKS), help="run this one; may be repeated"
    )
    return parser.parse_args(arguments)


def _as_record(benchmark: str, line: Line) -> dict[str, object]:
    return {
        "benchmark": benchmark,
        "name": line.name,
        "measure": round(line.measure, 3),
        "target": line.target,
        "verdict": line.verdict,
        "detail": line.detail,
    }


def _show_json(record: Mapping[str, object]) -> None:
    print(json.dumps(record), flush=True)


def _show_text(record: Mapping[str, object]) -> None:
    print(_text(record), flush=True)


def _text(record: Mapping[str, object]) -> str:
    if "machine" in record:
        return ", ".join(f"{name} {value}" for name, value in machine().items())
    if "verdict" in record:
        target = f"target {record['target']:<5}" if record["target"] is not None else " " * 12
        return f"{record['verdict']:<9} {record['measure']:>8.2f}  {target}  {record['name']}  ({record['detail']})"
    if "seconds" in record:
        return f"{record['benchmark']}: {record['seconds']} s in all"
    missed = record["missed"]
    assert isinstance(missed, list)
    return f"missed: {', '.join(missed)}" if missed else f"{record['measured']} measures, none missed"


if __name__ == "__main__":
    sys.exit(main())
