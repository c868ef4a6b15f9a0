"""A quality report as one HTML page: no script, no request, light and dark, wide and narrow, on paper too.

What belongs here: words, formats and the order of the page. What does not: judging (findata_core.quality), style and
markup (templates/). Every text goes through Jinja's escaping; only drawings, made of numbers, are markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from findata_assets.reports.drawings import minutes_with_outliers
from findata_assets.reports.heat_maps import heat_maps
from findata_core import cures
from findata_core.quality.findings import BLOCKS, EXCEPTS, NOTES
from findata_core.quality.report import QualityReport, Shown, Venue, shown

TEMPLATES = Path(__file__).parent / "templates"
WORDS = {
    "yes": "Yes",
    "exceptions": "With exceptions",
    "no": "No",
    "no_session": "No session",
    "not_closed": "Not yet",
}
PARTS = ("refused", "breaks", "sick", "outliers", "revisions", "held", "freshness", "arrivals", "payloads")
NOTHING = shown(pl.DataFrame())
MOST_EXPLAINED = 8
LONGEST_ROW = 400


def page(report: QualityReport) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "instant": _instant,
            "figure": _figure,
            "lateness": _lateness,
            "percent": _percent,
            "hex_id": _hex_id,
            "short": _short,
        }
    )
    return environment.get_template("quality.html").render(
        report=report,
        title=_title(report),
        words=WORDS,
        venues=list(_venues(report)),
        closed_mics=_without_session(report),
        maps=list(heat_maps(report)),
        findings=_findings(report, (BLOCKS, EXCEPTS)),
        notes=_findings(report, (NOTES,)),
        drawings=[(item.farthest, Markup(minutes_with_outliers(item))) for item in report.drawings],  # noqa: S704  # numbers alone
        explained=list(_explained(report)),
        clean=list(_clean(report)),
        parts={name: report.parts.get(name, NOTHING) for name in PARTS},
        is_judged=bool(report.parts),
    )


def _title(report: QualityReport) -> str:
    if report.is_week:
        return f"{report.name}: {report.first} to {report.last}"
    return f"{report.first:%A}, {report.first}"


def _venues(report: QualityReport) -> Iterator[tuple[Venue, str, str]]:
    """Yield each session with its hours in the exchange's own time and in UTC."""
    for venue in report.venues:
        zone = ZoneInfo(venue.time_zone)
        local = f"{venue.open_time.astimezone(zone):%H:%M} to {venue.close_time.astimezone(zone):%H:%M}"
        utc = f"{venue.open_time:%H:%M} to {venue.close_time:%H:%M}"
        yield venue, local, utc


def _without_session(report: QualityReport) -> list[str]:
    """Return the exchanges that do not trade on the day, where others do."""
    trading = {venue.mic for venue in report.venues}
    return [mic for mic in report.mics if mic not in trading] if trading else []


def _findings(report: QualityReport, weights: Sequence[str]) -> Shown:
    """Return the findings of some weights; explained breaks stand among the breaks already."""
    if report.findings.is_empty():
        return NOTHING
    is_told = pl.col("reason") == "explained_break"
    return shown(report.findings.filter(pl.col("weight").is_in(list(weights)) & ~is_told))


def _explained(report: QualityReport) -> Iterator[tuple[str, str]]:
    """Yield instruments, those with findings first, with the command that traces what is stored to its bytes."""
    if report.expected.is_empty() or report.parts["payloads"].total == 0:
        return
    interval = "1w" if report.is_week else "1d"
    received = set(report.parts["payloads"].rows.get_column("instrument_id"))
    named = [*report.findings.get_column("instrument_id"), *report.expected.get_column("instrument_id")]
    names = [name for name in dict.fromkeys(named) if name in received]
    for name in names[:MOST_EXPLAINED]:
        yield name, cures.command("explain", name, interval, str(report.first))


def _clean(report: QualityReport) -> Iterator[str]:
    """Yield what was looked for and not found."""
    looked = {
        "refused": "refused rows",
        "breaks": "figures that disagree",
        "sick": "volume that nobody traded",
        "outliers": "prices that stand apart",
        "revisions": "revisions",
        "held": "held answers",
    }
    return (words for name, words in looked.items() if name in report.parts and not report.parts[name].total)


def _instant(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _lateness(row: Mapping[str, datetime | None]) -> str:
    """Return by how much something came late, in hours and minutes; "" where it was in time or is not here."""
    expected, arrived = row["expected_time"], row["arrived_time"]
    if expected is None or arrived is None or arrived <= expected:
        return ""
    hours, minutes = divmod(int((arrived - expected).total_seconds()) // 60, 60)
    return f"{hours}:{minutes:02} late"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"


def _hex_id(payload_id: int | None) -> str:
    return "" if payload_id is None else f"{payload_id:016x}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ROW else text[:LONGEST_ROW] + " ..."
