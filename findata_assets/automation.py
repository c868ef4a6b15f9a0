"""When assets run by themselves: named conditions, and schedules at the closes. All stopped by default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from findata_core.calendars import sessions_of
from findata_core.economic.releases import FX_ZONE, is_target_day
from findata_core.economic.vintages import PUBLISHERS_ZONE
from findata_core.exchanges import exchange_of
from findata_core.rates.catalogue import FAMILIES, Family
from findata_core.rates.closures import certain_closure
from findata_core.session_ticks import Readiness, ready_between, ticks_for
from findata_resources.providers import settles_after
from findata_resources.trading_days import Closes

DAY = timedelta(days=1)
REACH = timedelta(days=4)  # sessions that close so long before a tick may become ready at it

AFTER_CLOSE = timedelta(minutes=20)  # Yahoo's last minutes come some minutes late
# The partition of day D exists from 10:00 UTC of D (partitions.py); Dagster refuses to ask for it before.
KEYS_EXIST_FROM = time(10, 5)

# An input has new data, its blocking checks have passed, and nothing is under way. That some input was never
# there is normal (nobody has recorded files of today, no exchange has all the sessions of 1985): an asset takes
# what is due, and one that waited for all of them would never run. Most instruments never split: splits that were
# never there have no check that passed, those that are there must not have one that failed.
SPLITS = dg.AssetSelection.assets(["reference", "splits"])
A_CHECK_FAILED = dg.AutomationCondition.any_checks_match(
    dg.AutomationCondition.check_failed(), blocking_only=True
)
WHEN_INPUTS_ARE_CHECKED = (
    dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    & dg.AutomationCondition.all_deps_blocking_checks_passed().ignore(SPLITS)
    & ~dg.AutomationCondition.any_deps_match(A_CHECK_FAILED).allow(SPLITS)
).with_label("when inputs are new and checked")

conditions = dg.AutomationConditionSensorDefinition(
    "inputs_are_checked",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Runs derived assets when what they read is new and has passed its blocking checks.",
)

# A chart answer of Yahoo tells splits and dividends beside the bars: they are folded in the same run.
session_job = dg.define_asset_job(
    "session",
    selection=dg.AssetSelection.assets(
        ["raw", "yahoo", "bars"],
        ["reference", "splits"],
        ["reference", "dividends"],
        ["market", "bars"],
        ["market", "candles"],
    ),
    description="Asks Yahoo for a session's bars, folds the splits and dividends told with them, then candles.",
)
rates_job = dg.define_asset_job(
    "rates",
    selection=dg.AssetSelection.assets(["raw", "nyfed", "rates"]) | dg.AssetSelection.groups("rates"),
    description="Asks the New York Fed for its reference rates and recomputes the averages.",
)

series_job = dg.define_asset_job(
    "series",
    selection=dg.AssetSelection.assets(
        ["raw", "fred", "series"],
        ["economic", "series"],
        ["economic", "vintages"],
        ["economic", "observations"],
        ["economic", "revisions"],
    ),
    description="Asks FRED for the vintages that are not known yet and makes the table of revisions.",
)
fx_job = dg.define_asset_job(
    "fx",
    selection=dg.AssetSelection.assets(["raw", "ecb", "fx"], ["economic", "fx_rates"]),
    description="Gets the European Central Bank's reference rates.",
)


@dataclass(frozen=True)
class Slot:
    """A moment of each session at which its bars are asked for: `name` of the schedule, `key` of its runs."""

    name: str
    key: str
    readiness: Readiness
    what: str


CLOSE = Slot("after_close", "", Readiness(AFTER_CLOSE, KEYS_EXIST_FROM), "after the close")
SETTLED = Slot(
    "settled",
    "settled/",
    # An hour to spare: the night after a session may be an hour shorter by the clock on the wall.
    Readiness(settles_after("yahoo", "1m") + AFTER_CLOSE, spare=timedelta(hours=1)),
    "again when they are no longer revised",
)


def _session_schedule(slot: Slot, mics: Sequence[str], closes: Closes) -> dg.ScheduleDefinition:
    """Return the schedule of one calendar's slot; a tick for which no session has become ready asks for nothing."""
    name = "_".join(mics).lower()
    ticks = ticks_for(closes.by_date.items(), closes.time_zone, slot.readiness)

    @dg.schedule(
        name=f"{slot.name}_{name}",
        job=session_job,
        cron_schedule=ticks.crons(),
        execution_timezone=closes.time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for the session's bars of {', '.join(mics)} {slot.what}, on half days too.",
    )
    def session_slot(context: dg.ScheduleEvaluationContext) -> dg.SkipReason | list[dg.RunRequest]:
        moment = context.scheduled_execution_time.astimezone(UTC)
        since = ticks.before(moment)
        known = sessions_of(mics[0], since.date() - REACH, moment.date() + DAY)
        ends = known.select("session_date", "close_time").iter_rows()
        ready = ready_between(ends, slot.readiness, since, moment)
        if not ready:
            local = context.scheduled_execution_time.astimezone(ZoneInfo(closes.time_zone))
            return dg.SkipReason(f"no session of {', '.join(mics)} is ready at {local:%Y-%m-%d %H:%M}")
        keys = (day.isoformat() for day in ready)
        return [dg.RunRequest(run_key=f"{name}/{slot.key}{key}", partition_key=key) for key in keys]

    return session_slot


def session_schedules(closes: Mapping[str, Closes]) -> list[dg.ScheduleDefinition]:
    """Return the schedules of each calendar of the followed exchanges (MIC -> closes): its closes, and settling."""
    by_calendar: dict[str, list[str]] = {}
    for mic in sorted(closes):
        by_calendar.setdefault(exchange_of(mic).calendar, []).append(mic)
    return [
        _session_schedule(slot, mics, closes[mics[0]])
        for mics in by_calendar.values()
        for slot in (CLOSE, SETTLED)
    ]


NEW_YORK = "America/New_York"
AFTER_PUBLICATION = timedelta(minutes=15)  # the times are approximate


def _rate_slots(family: Family) -> dg.ScheduleDefinition:
    """Return the schedule of a family's two slots: the publication, and the revision of the same day."""
    at = [
        (datetime.combine(date.min, slot) + AFTER_PUBLICATION).time()
        for slot in (family.publication_time, family.revision_time)
    ]

    @dg.schedule(
        name=f"{family.name}_rates_slots",
        job=rates_job,
        cron_schedule=[f"{tick.minute} {tick.hour} * * 1-5" for tick in at],
        execution_timezone=NEW_YORK,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for the {family.name} rates after their publication at about "
        f"{family.publication_time:%H:%M} and after their revision slot at about {family.revision_time:%H:%M}, on days "
        "on which US government securities may trade.",
    )
    def rate_slot(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        config = {"ops": {"raw__nyfed__rates": {"config": {"family": family.name}}}}
        return _unless(certain_closure, context, family.name, NEW_YORK, config)

    return rate_slot


def _unless(
    closure: Callable[[date], str | None],
    context: dg.ScheduleEvaluationContext,
    name: str,
    time_zone: str,
    config: Mapping[str, Any] | None = None,
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run of a tick, unless the day is one on which nothing is published; days are the time zone's."""
    tick = context.scheduled_execution_time.astimezone(ZoneInfo(time_zone))
    reason = closure(tick.date())
    if reason is not None:
        return dg.SkipReason(f"{tick.date()} is {reason}")
    return dg.RunRequest(run_key=f"{name}/{tick:%Y-%m-%dT%H:%M}", run_config=config or {})


# Which rates are of which family, and the sources of the times, are in the catalogue.
rate_schedules = [_rate_slots(family) for family in FAMILIES.values()]


# FRED loads the releases of 08:30 New York time within the hour, H.15 and H.10 after 15:15 in Chicago. No agency
# publishes on a federal holiday.
@dg.schedule(
    name="series_slots",
    job=series_job,
    cron_schedule=["30 9 * * 1-5", "30 16 * * 1-5"],
    execution_timezone=PUBLISHERS_ZONE,
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Asks for new vintages after the morning's releases and after the day's rates.",
)
def series_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask at each tick of a day on which something may be published."""
    return _unless(certain_closure, context, "series", PUBLISHERS_ZONE)


# "usually updated around 16:00 CET on every working day" (the bank's page of the rates).
@dg.schedule(
    name="fx_daily",
    job=fx_job,
    cron_schedule="30 16 * * 1-5",
    execution_timezone=FX_ZONE,
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Gets the euro's reference rates after they are set, on the days of the euro's payment system.",
)
def fx_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask once on each day on which the rates are set."""
    return _unless(lambda day: None if is_target_day(day) else "a closing day of T2", context, "fx", FX_ZONE)
