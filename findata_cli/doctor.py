"""doctor: what is wrong with this installation, and the command that mends it.

What belongs here: printing. What does not: the round (findata_assets/steps/diagnosis.py), the rules
(findata_core/doctor).
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED

if TYPE_CHECKING:
    from findata_core.doctor.findings import Finding

STYLES = {"ok": "green", "warn": "yellow", "wrong": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a finding.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not list the bucket, which takes long where it is large.")
    ] = False,
) -> None:
    """Look at everything that findata stands on, and say what is wrong and what to do.

    Nothing is changed, and no provider is asked. Servers that are down are named, the rest is looked at all the same.
    Exit code 1 if something is wrong; what is only a warning does not count.
    """
    opening.quiet_libraries()
    from findata_assets.steps.diagnosis import diagnose
    from findata_core.doctor.findings import is_wrong
    from findata_resources.environment import SystemClock

    found = diagnose(SystemClock(), with_orphans=not quick)
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in found], indent=1) + "\n")
    else:
        _show(found)
    if is_wrong(found):
        raise typer.Exit(PROOF_FAILED)


def _show(found: list[Finding]) -> None:
    """Print a line a finding, and below what is not ok the next step."""
    width = max(len(finding.subject) for finding in found)
    area = ""
    for finding in found:
        if finding.area != area:
            area = finding.area
            screen.say(area, style="bold")
        style = STYLES[finding.state.value]
        screen.say(f"  {finding.state.value:<5}  {finding.subject:<{width}}  {finding.said}", style=style)
        if finding.next_step:
            screen.say(f"  {'next':>5}  {finding.next_step}")
    counts = Counter(finding.state.value for finding in found)
    screen.say(", ".join(f"{counts[state]} {state}" for state in STYLES))
