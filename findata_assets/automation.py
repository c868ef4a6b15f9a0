"""When assets run by themselves: named conditions, and schedules at the exchanges' closes. All stopped by default."""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

import dagster as dg

from findata_core.calendars import session_dates, usual_close
from findata_core.exchanges import exchange_of

# An input has new data, its blocking checks have passed, and nothing is under way.
WHEN_INPUTS_ARE_CHECKED = (
    dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()
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
sofr_job = dg.define_asset_job(
    "sofr",
    selection=dg.AssetSelection.assets(
        ["raw", "nyfed", "sofr"], ["rates", "rates"], ["rates", "published_averages"], ["rates", "averages"]
    ),
    description="Asks the New York Fed for SOFR and recomputes the averages.",
)


def _after_close(mics: Iterable[str], hour: int, minute: int, time_zone: str) -> dg.ScheduleDefinition:
    """Return the schedule of one exchange's close; a day without a session asks for nothing."""
    name = "_".join(sorted(mics)).lower()

    @dg.schedule(
        name=f"after_close_{name}",
        job=session_job,
        cron_schedule=f"{minute} {hour} * * 1-5",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Asks for the session's bars after the close of {', '.join(sorted(mics))}.",
    )
    def after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(time_zone)).date()
        if not session_dates(mics, day, day):
            return dg.SkipReason(f"{day} is no session of {', '.join(sorted(mics))}")
        return dg.RunRequest(run_key=f"{name}/{day}", partition_key=day.isoformat())

    return after_close


def close_schedules(mics: Iterable[str], today: date) -> list[dg.ScheduleDefinition]:
    """Return one schedule per calendar of the followed exchanges, twenty minutes after its usual close."""
    by_calendar: dict[str, list[str]] = {}
    for mic in sorted(set(mics)):
        by_calendar.setdefault(exchange_of(mic).calendar, []).append(mic)
    schedules = []
    for group in by_calendar.values():
        close, time_zone = usual_close(group[0], today)
        minutes = close.hour * 60 + close.minute + 20
        schedules.append(_after_close(group, minutes // 60, minutes % 60, time_zone))
    return schedules


# Published at about 08:00 New York time each US government securities business day, revised at about 14:30.
sofr_schedule = dg.ScheduleDefinition(
    name="sofr_slots",
    job=sofr_job,
    cron_schedule=["15 8 * * 1-5", "45 14 * * 1-5"],
    execution_timezone="America/New_York",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Asks for SOFR after its publication and after its revision slot.",
)
