"""report: can this session's data be used? The verdict on the screen, the whole as a page.

What belongs here: options, printing, opening. What does not: judging (findata_core.quality), pages
(findata_assets.reports).
"""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED
from findata_core.errors import ConfigurationError
from findata_core.quality.report import QualityReport

if TYPE_CHECKING:
    from findata_assets.steps.platform import Platform
    from findata_assets.steps.reports import Published

MOST_FINDINGS = 20
LOOKED_BACK = timedelta(days=30)
STYLES = {"yes": "bold green", "exceptions": "bold yellow", "no": "bold red"}


def report(
    session: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The session, as YYYY-MM-DD. Default: the last one that has closed."
        ),
    ] = None,
    week: Annotated[
        str | None, typer.Option(metavar="WEEK", help="An ISO week instead, as 2022-W22, or a day of it.")
    ] = None,
    mics: Annotated[
        list[str] | None,
        typer.Option("--mic", metavar="MIC", help="Only this exchange; may be given again."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page to this file; - is standard output.")
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Say whether a session's or week's data can be used: yes, with exceptions (which), or no (why).

    The page of all exchanges is also put on S3, under reports/, each version by its content. Exit code 1 where the
    answer is no.
    """
    if session is not None and week is not None:
        raise ConfigurationError("--session and --week exclude each other", "give one of them")
    named = _named_day(session, week)
    settings = opening.settings_in_force()
    with opening.platform(settings) as platform:
        day = named or _last_closed(platform)
        made, published = _made(platform, day, mics or [], is_week=week is not None)
    _show(made, published, is_quiet=out == Path("-"))
    _deliver(made, out, settings.home / "reports" if is_opened else None)
    if made.verdict.answer == "no":
        raise typer.Exit(PROOF_FAILED)


def _named_day(session: str | None, week: str | None) -> date | None:
    """Return the day that the options name; ConfigurationError where it is none."""
    if session is None and week is None:
        return None
    text = (session or week or "").strip()
    try:
        if week is not None and "W" in text.upper():
            return datetime.strptime(f"{text.upper()}-1", "%G-W%V-%u").date()  # noqa: DTZ007  # a day, no instant
        return date.fromisoformat(text)
    except ValueError:
        form = "2022-W22, or as a day of it" if week is not None else "2022-06-01"
        raise ConfigurationError(
            f"{text!r} is no {'week' if week is not None else 'date'}", f"write it as {form}"
        ) from None


def _last_closed(platform: Platform) -> date:
    from findata_assets.steps.reports import closed_sessions

    today = platform.clock.now().date()
    closed = closed_sessions(platform, today - LOOKED_BACK, today + timedelta(days=1))
    if not closed:
        raise ConfigurationError("No session has closed in thirty days", "name one with --session")
    return closed[-1]


def _made(
    platform: Platform, day: date, mics: list[str], *, is_week: bool
) -> tuple[QualityReport, Published | None]:
    """Return the report, and its page on S3 where it is of sessions of all exchanges."""
    from findata_assets.steps.quality import session_report, week_report
    from findata_assets.steps.reports import publish_session, publish_week

    made = (week_report if is_week else session_report)(platform, day, mics)
    if mics or not made.parts:
        return made, None
    published = (publish_week if is_week else publish_session)(platform, day)
    return published.report, published


def _show(made: QualityReport, published: Published | None, *, is_quiet: bool) -> None:
    if is_quiet:
        return
    screen.say(made.verdict.line, style=STYLES.get(made.verdict.answer, "bold"))
    if len(made.venues) > 1:
        screen.show(
            ("exchange", "session", "can it be used?"),
            [(venue.mic, venue.session_date, venue.verdict.line) for venue in made.venues],
        )
    if not made.findings.is_empty():
        rows = made.findings.head(MOST_FINDINGS).select("weight", "instrument_id", "words", "cure")
        screen.show(("", "instrument", "what", "run"), rows.iter_rows())
        if made.findings.height > MOST_FINDINGS:
            screen.say(f"and {made.findings.height - MOST_FINDINGS:,} more: the page tells of them")
    if published is not None:
        screen.say(f"page: {published.page.address}")


def _deliver(made: QualityReport, out: Path | None, folder: Path | None) -> None:
    """Write the page to a file, and to the folder of pages to be opened there."""
    if out is None and folder is None:
        return
    from findata_assets.reports.page import page

    text = page(made)
    if out == Path("-"):
        sys.stdout.write(text)
    elif out is not None:
        _write(out, text)
        screen.say(f"written: {out}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{made.name}.html"
        _write(path, text)
        screen.say(f"opening {path}")
        typer.launch(path.as_uri())


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}", "name another file") from error
