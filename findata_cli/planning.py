"""plan: what a live source would be asked for, before anything is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_cli import opening, screen
from findata_cli.spans import SessionsOption, parse_span


def plan(
    source: Annotated[str, typer.Argument(help=f"A live source of bars: {', '.join(BAR_PROVIDERS)}.")],
    sessions: SessionsOption = None,
) -> None:
    """Show what would be asked of a source: requests, the least time its limits leave, what is out of reach.

    Nothing is asked. Without --sessions: everything that is due since FINDATA_FIRST_SESSION.
    """
    span = parse_span(sessions)
    settings = opening.settings_in_force()
    from findata_assets.steps.planning import plan as planned

    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with opening.platform(settings) as platform:
        found = planned(platform, source, span.first or settings.first_session, span.end or tomorrow)
    rows = [
        (
            line.interval,
            line.instruments,
            line.sessions,
            line.requests,
            line.sessions_beyond_wall,
            line.sessions_refused,
            f"{line.wall_time:%Y-%m-%d %H:%M}" if line.wall_time else "none",
        )
        for line in found.intervals
    ]
    columns = ("interval", "instruments", "sessions", "requests", "beyond the wall", "refused", "wall (UTC)")
    screen.show(columns, rows, numbers=columns[1:6])
    if found.rests_until is not None:
        screen.say(f"{source} is left alone until {found.rests_until:%Y-%m-%d %H:%M:%S} UTC")
    seconds = round(found.least_time.total_seconds())
    screen.say(
        f"{found.requests:,} requests to {source}, at least {timedelta(seconds=seconds)} under its limits and what "
        "is used of them; nothing was asked"
    )
