"""What materializing did, gathered from the runs' own metadata, and how it is printed.

What belongs here: counting and showing. What does not: running (findata_assets.running).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from findata_assets.running import Runs
from findata_cli import screen

ROW_COUNTS = ("rows_written", "rows_unchanged", "rows_revised", "rows_quarantined")
SET_COUNTS = ("files", "known", "rows", "refused")
MOST_SKIPPED_SHOWN = 30


@dataclass
class Outcome(Runs):
    """Runs with what they report: rows by table, files by set, requests and their failures.

    `files`: set -> files that its manifest names, whether or not a run was needed for them.
    """

    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    sets: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    payloads_held: int = 0
    failures: list[str] = field(default_factory=list)
    left_because: list[str] = field(default_factory=list)
    beyond_wall: list[str] = field(default_factory=list)

    def add(self, result: dg.ExecuteInProcessResult) -> None:
        """Count a run and what its materializations say."""
        super().add(result)
        # A run over many partitions reports the same whole for each of them: it counts once.
        once = {event.asset_key: event for event in result.get_asset_materialization_events()}
        for key, event in once.items():
            name = ".".join(key.path) if key else ""
            metadata = event.materialization.metadata
            said: dict[str, Any] = {key: value.value for key, value in metadata.items()}
            self._add_rows(name, said)
            self._add_sets(metadata.get("sets"))
            self.requests += int(said.get("requests") or 0)
            self.payloads_held += int(said.get("payloads_held") or 0)
            self.failures += said.get("failures") or []
            self.left_because += said.get("not_asked_because") or []
            self.beyond_wall += said.get("beyond_the_wall") or []

    @property
    def rows_changed(self) -> int:
        """Rows written by all runs."""
        return sum(counts["rows_written"] for counts in self.rows.values())

    def show(self) -> None:
        """Print what came in and what it led to."""
        self._show_sets()
        if self.rows:
            table = [
                (name, *(counts[key] for key in ROW_COUNTS)) for name, counts in sorted(self.rows.items())
            ]
            columns = ("table", "written", "unchanged", "revised", "quarantined")
            screen.show(columns, table, title="rows", numbers=columns[1:])
        for failure in self.failures:
            screen.say(f"failed: {failure}", style="red")
        for reason in self.left_because:
            screen.say(f"not asked: {reason}", style="red")
        for lost in self.beyond_wall:
            screen.say(f"not to be had: {lost}")
        if self.payloads_held:
            screen.say(
                f"held as implausible: {self.payloads_held} answers; see findata quarantine list", style="red"
            )
        nothing = "nothing was due: " if not self.runs else ""
        screen.say(
            f"{nothing}{self.rows_changed:,} rows changed, {self.runs} runs, "
            f"{sum(self.materializations.values())} materializations, {self.requests} requests"
        )

    def _add_rows(self, name: str, said: Mapping[str, Any]) -> None:
        if ROW_COUNTS[0] in said:
            counts = self.rows.setdefault(name, dict.fromkeys(ROW_COUNTS, 0))
            for key in ROW_COUNTS:
                counts[key] += int(said[key])

    def _add_sets(self, sets: dg.MetadataValue[Any] | None) -> None:
        for record in sets.records if isinstance(sets, dg.TableMetadataValue) else ():
            counts = self.sets.setdefault(str(record.data["set"]), dict.fromkeys(SET_COUNTS, 0))
            for key in SET_COUNTS:
                counts[key] += int(record.data[key] or 0)

    def _show_sets(self) -> None:
        rows = []
        for name, files in self.files.items():
            counts = self.sets.get(name) or {**dict.fromkeys(SET_COUNTS, 0), "known": files}
            rows.append((name, *(counts[key] for key in SET_COUNTS)))
        if rows:
            columns = ("set", "files loaded", "known already", "rows", "refused")
            screen.show(columns, rows, title="recorded", numbers=columns[1:])
        shown = list(self.skipped.items())[:MOST_SKIPPED_SHOWN]
        if shown:
            screen.show(("file skipped", "because"), shown)
        if len(self.skipped) > len(shown):
            screen.say(f"and {len(self.skipped) - len(shown):,} more files skipped")
