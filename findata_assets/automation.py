"""When assets run by themselves: named conditions, and schedules at the closes. All stopped by default."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from findata_core.calendars import session_dates
from findata_core.exchanges import exchange_of
from findata_core.rates.catalogue import FAMILIES, Family
from findata_resources.trading_days import Closes

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

session_job = dg.define_asset_job(
    "session",
    selection=dg.AssetSelection.assets(["raw", "yahoo", "bars"], ["market", "bars"], ["market", "candles"]),
    description="Asks Yahoo for a session's bars and folds them into candles.",
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


def _after_close(mics: Sequence[str], at: time, weekdays: str, time_zone: str) -> dg.ScheduleDefinition:
    """Return the schedule of one calendar's close; a day without a session asks for nothing."""
    name = "_".join(mics).lower()

    @dg.schedule(
        name=f"after_close_{name}",
        job=session_job,
        cron_schedule=f"{at.minute} {at.hour} * * {weekdays}",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for the session's bars after the close of {', '.join(mics)}.",
    )
    def after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(time_zone)).date()
        if not session_dates(mics, day, day):
            return dg.SkipReason(f"{day} is no session of {', '.join(mics)}")
        return dg.RunRequest(run_key=f"{name}/{day}", partition_key=day.isoformat())

    return after_close


def close_schedules(closes: Mapping[str, Closes], today: date) -> list[dg.ScheduleDefinition]:
    """Return one schedule per calendar of the followed exchanges (MIC -> closes), after its usual close."""
    by_calendar: dict[str, list[str]] = {}
    for mic in sorted(closes):
        by_calendar.setdefault(exchange_of(mic).calendar, []).append(mic)
    return [
        _after_close(
            mics, _tick(closes[mics[0]], today), _weekdays(closes[mics[0]]), closes[mics[0]].time_zone
        )
        for mics in by_calendar.values()
    ]


def _tick(closes: Closes, today: date) -> time:
    """Return the local time to ask at: after the usual close, and once the day's key exists."""
    after_close = (datetime.combine(today, closes.usual(today)) + AFTER_CLOSE).time()
    zone = ZoneInfo(closes.time_zone)
    keys = (datetime.combine(day, KEYS_EXIST_FROM, UTC).astimezone(zone).time() for day in closes.by_date)
    return max(after_close, *keys)


def _weekdays(closes: Closes) -> str:
    """Return the days of the week that have sessions, as cron counts them: Sunday is 0."""
    days = sorted({day.isoweekday() % 7 for day in closes.by_date})
    is_a_stretch = days == list(range(days[0], days[-1] + 1))
    return f"{days[0]}-{days[-1]}" if is_a_stretch else ",".join(map(str, days))


AFTER_PUBLICATION = timedelta(minutes=15)  # the times are approximate


def _rate_slots(family: Family) -> dg.ScheduleDefinition:
    """Return the schedule of a family's two slots: the publication, and the revision of the same day."""
    at = [
        (datetime.combine(date.min, slot) + AFTER_PUBLICATION).time()
        for slot in (family.publication_time, family.revision_time)
    ]
    return dg.ScheduleDefinition(
        name=f"{family.name}_rates_slots",
        job=rates_job,
        cron_schedule=[f"{tick.minute} {tick.hour} * * 1-5" for tick in at],
        execution_timezone="America/New_York",
        run_config={"ops": {"raw__nyfed__rates": {"config": {"family": family.name}}}},
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for the {family.name} rates after their publication at about "
        f"{family.publication_time:%H:%M} and after their revision slot at about {family.revision_time:%H:%M}.",
    )


# Which rates are of which family, and the sources of the times, are in the catalogue.
rate_schedules = [_rate_slots(family) for family in FAMILIES.values()]

# FRED loads the releases of 08:30 New York time within the hour, H.15 and H.10 after 15:15 in Chicago.
series_schedule = dg.ScheduleDefinition(
    name="series_slots",
    job=series_job,
    cron_schedule=["30 9 * * 1-5", "30 16 * * 1-5"],
    execution_timezone="America/Chicago",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Asks for new vintages after the morning's releases and after the day's rates.",
)
# "usually updated around 16:00 CET on every working day" (the bank's page of the rates).
fx_schedule = dg.ScheduleDefinition(
    name="fx_daily",
    job=fx_job,
    cron_schedule="30 16 * * 1-5",
    execution_timezone="Europe/Berlin",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Gets the euro's reference rates after they are set.",
)
