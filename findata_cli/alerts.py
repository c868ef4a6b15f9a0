"""alerts: what is wrong and who was told, and whether the sinks can be reached.

What belongs here: printing. What does not: telling (findata_assets.steps.alerting).
"""

from __future__ import annotations

from typing import Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED


def alerts(
    are_all: Annotated[bool, typer.Option("--all", help="Show those that are resolved too.")] = False,
    is_trial: Annotated[
        bool,
        typer.Option(
            "--try", help="Send a trial to each sink of FINDATA_ALERT_SINKS, and say what came of it."
        ),
    ] = False,
) -> None:
    """Show failed runs and checks as they are told: cause, where, the command that mends it, who knows of it.

    The sensor `alerts` takes them in and tells the sinks. Exit code 1 if a trial fails.
    """
    settings = opening.settings_in_force()
    from findata_assets.steps.alerting import listed, try_sinks

    with opening.platform(settings) as platform:
        if is_trial:
            outcome = try_sinks(platform)
            _show_trial(outcome)
            if any(outcome.values()):
                raise typer.Exit(PROOF_FAILED)
            return
        rows = [alert for alert in listed(platform) if are_all or alert.state == "open"]
    if not rows:
        screen.say("No alert is open")
        return
    screen.show(
        ("state", "severity", "sink", "told", "times", "last", "cause", "repair"),
        [
            (
                alert.state,
                alert.severity,
                alert.sink,
                alert.last_error or ("yes" if alert.told_state == alert.state else "no"),
                alert.occurrences,
                f"{alert.last_time:%Y-%m-%d %H:%M}",
                alert.cause,
                alert.cure,
            )
            for alert in rows
        ],
        numbers=("times",),
    )


def _show_trial(outcome: dict[str, str]) -> None:
    if not outcome:
        screen.say("FINDATA_ALERT_SINKS is none: nobody is told")
    for sink, failure in outcome.items():
        screen.say(f"{sink}: {failure or 'taken'}", style="red" if failure else "green")
