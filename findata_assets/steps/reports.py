"""Quality reports as pages on S3: which sessions and weeks have one, and putting it there.

What belongs here: the order of things. What does not: what a report says (quality), how it looks
(findata_assets.reports).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_assets.steps.quality import followed_mics, session_report, week_report
from findata_core.errors import ConfigurationError
from findata_core.quality.report import QualityReport, week_name
from findata_resources.stores.pages import Pages, PutPage

SESSIONS, WEEKS = "sessions", "weeks"


@dataclass(frozen=True)
class Published:
    """A report, its page, and an address of it for a browser."""

    report: QualityReport
    page: PutPage
    browser_address: str


def publish_session(platform: Platform, day: date) -> Published:
    """Put the page of a session, of all followed exchanges."""
    return _publish(platform, SESSIONS, str(day), lambda: session_report(platform, day))


def publish_week(platform: Platform, day: date) -> Published:
    """Put the page of the ISO week that a day is in, of all followed exchanges."""
    return _publish(platform, WEEKS, week_name(day), lambda: week_report(platform, day))


def publish_sessions(platform: Platform, start: date, end: date) -> Iterator[Published]:
    """Put the page of each session in [start, end) that has closed on some followed exchange."""
    return (publish_session(platform, day) for day in closed_sessions(platform, start, end))


def publish_weeks(platform: Platform, start: date, end: date) -> Iterator[Published]:
    """Put the page of each week with a session in [start, end) that has closed."""
    mondays = {day - timedelta(days=day.weekday()) for day in closed_sessions(platform, start, end)}
    return (publish_week(platform, monday) for monday in sorted(mondays))


def closed_sessions(platform: Platform, start: date, end: date) -> list[date]:
    """Return the dates in [start, end) on which a session of a followed exchange has closed, sorted."""
    sessions = platform.sessions(set(followed_mics(platform))).filter(
        pl.col("session_date").is_between(start, end, closed="left"),
        pl.col("close_time") <= platform.clock.now(),
    )
    return sessions.get_column("session_date").unique().sort().to_list()


def touched_sessions(platform: Platform, since: timedelta) -> list[date]:
    """Return the sessions that something was received or decided about within `since`, sorted."""
    moment = sql.Literal((platform.clock.now() - since).isoformat())
    query = sql.SQL(
        "SELECT DISTINCT scope_date FROM ops.payload_scopes WHERE table_name IN ('market.bars', 'market.bars_1d') "
        "AND (received_time > {moment}::timestamptz OR payload_id IN (SELECT payload_id FROM ops.holds "
        "WHERE decided_time > {moment}::timestamptz)) ORDER BY 1"
    ).format(moment=moment)
    return platform.store.database.frame(query).get_column("scope_date").to_list()


def pages_of(platform: Platform) -> Pages:
    """Return where pages are put; ConfigurationError on a platform that has no such place."""
    if platform.pages is None:
        raise ConfigurationError("This platform publishes nothing", "Use one that has an S3 bucket")
    return platform.pages


def _publish(platform: Platform, kind: str, name: str, read: Callable[[], QualityReport]) -> Published:
    # Jinja2 and its templates are not for whoever only loads the definitions.
    from findata_assets.reports.page import page

    made: list[QualityReport] = []

    def render() -> str:
        made.append(read())
        return page(made[-1])

    pages = pages_of(platform)
    put = pages.publish(kind, name, render)
    return Published(made[-1], put, pages.browser_address(put))
