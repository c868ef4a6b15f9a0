"""Who is told what and when: grouped, no storms, nothing lost, nothing told twice."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.alerts.ledger import Alert, Alerts, Policy, messages, not_told, taken_in, told, waiting
from findata_core.alerts.troubles import FailedStep, FinishedRun, troubles_of
from findata_core.alerts.wording import message
from tests.alerts.runs import DISK, MINUTE, START, checked, failed, made, run

POLICY = Policy()
SINKS = ("file",)


def after(*runs: FinishedRun, alerts: Alerts | None = None) -> Alerts:
    known = alerts or {}
    for item in runs:
        known = taken_in(known, item, SINKS)
    return known


def tell(alerts: Alerts, minutes: float, policy: Policy = POLICY) -> tuple[Alerts, list[Alert]]:
    """Tell what is due at an instant; return the alerts afterwards, and what was told."""
    now = START + minutes * MINUTE
    chosen = messages(list(alerts.values()), now, policy)
    return {**alerts, **{(item.alert_id, item.sink): told(item, now) for item in chosen}}, chosen


def test_a_failure_is_told_once() -> None:
    alerts, said = tell(after(failed(1)), 1)
    assert [item.cause for item in said] == [DISK]
    assert tell(alerts, 2)[1] == []
    assert tell(alerts, 10_000)[1] == []  # nobody is nagged about what has not happened again


def test_failures_of_one_cause_in_a_window_are_one_message_with_their_count() -> None:
    alerts, _ = tell(after(failed(1)), 1)
    more = [
        failed(number, number, first=f"2022-06-{number:02}", last=f"2022-06-{number:02}")
        for number in range(2, 12)
    ]
    alerts = after(*more, alerts=alerts)
    assert tell(alerts, 30)[1] == []
    (said,) = tell(alerts, 61)[1]
    assert (said.occurrences, said.told_occurrences) == (11, 1)
    assert said.cure == "findata materialize --select market.candles --sessions 2022-06-02..2022-06-15"
    assert "11 times" in message(said).subject


def test_one_cause_in_several_tables_is_one_alert_that_repairs_them_all() -> None:
    alerts = after(failed(1), failed(2, table="market.bars"))
    (said,) = tell(alerts, 1)[1]
    assert said.scopes == ("market.bars|2022-06-15|2022-06-15", "market.candles|2022-06-15|2022-06-15")
    assert said.cure == (
        "findata materialize --select market.bars --select market.candles --sessions 2022-06-15"
    )


def test_numbers_and_names_do_not_make_another_cause() -> None:
    causes = ["Yahoo answered 503 to 'MSFT' at 2022-06-15", "Yahoo answered 502 to 'AZN.L' at 2022-06-16"]
    alerts = after(*(failed(number, cause=cause) for number, cause in enumerate(causes)))
    assert len(alerts) == 1
    assert len(after(failed(9, cause="The database does not answer"), alerts=alerts)) == 2


def test_a_run_that_is_looked_at_twice_counts_once() -> None:
    once = after(failed(1), failed(2, 1))
    assert after(failed(1), failed(2, 1), alerts=once) == once
    assert next(iter(once.values())).occurrences == 2


def test_what_is_well_again_is_told_as_resolved_once() -> None:
    alerts, _ = tell(after(failed(1)), 1)
    alerts = after(made(2, 5), alerts=alerts)
    alerts, said = tell(alerts, 6)
    assert [item.state for item in said] == ["resolved"]
    assert message(said[0]).subject == f"findata resolved: {DISK}"
    assert tell(alerts, 10_000)[1] == []


def test_what_is_well_again_before_anybody_heard_of_it_is_not_told() -> None:
    assert tell(after(failed(1), made(2, 0.5)), 1)[1] == []


def test_another_day_or_table_heals_nothing() -> None:
    alerts = after(
        failed(1), made(2, 5, first="2022-06-16", last="2022-06-16"), made(3, 6, table="market.bars")
    )
    assert next(iter(alerts.values())).state == "open"
    wide = after(made(4, 7, first="2022-06-01", last="2022-06-30"), alerts=alerts)
    assert next(iter(wide.values())).state == "resolved"


def test_a_run_from_before_the_failure_heals_nothing() -> None:
    assert next(iter(after(failed(1), made(2, -5)).values())).state == "open"


def test_of_several_days_those_that_are_well_no_longer_need_the_cure() -> None:
    days = [{"first": f"2022-06-{day}", "last": f"2022-06-{day}"} for day in (13, 14, 15)]
    alerts = after(*(failed(number, number, **day) for number, day in enumerate(days)))
    (alert,) = after(made(9, 9, first="2022-06-13", last="2022-06-14"), alerts=alerts).values()
    assert alert.cure == "findata materialize --select market.candles --sessions 2022-06-15"


def test_what_fails_passes_and_fails_again_is_no_storm() -> None:
    alerts: Alerts = {}
    told_in_all = 0
    for minute in range(0, 120, 2):
        alerts = after(failed(minute, minute), alerts=alerts)
        alerts, said = tell(alerts, minute)
        told_in_all += len(said)
        alerts = after(made(minute + 1, minute + 1), alerts=alerts)
        alerts, said = tell(alerts, minute + 1)
        told_in_all += len(said)
    assert told_in_all <= 4  # failed and resolved, once an hour


def test_a_sink_that_fails_is_tried_again_later_and_later_and_told_in_the_end() -> None:
    (alert,) = after(failed(1)).values()
    waits = []
    for _ in range(9):
        alert = not_told(alert, START, "refused")
        assert alert.next_try_time is not None
        waits.append(round((alert.next_try_time - START) / MINUTE))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    alerts = {(alert.alert_id, alert.sink): alert}
    assert tell(alerts, 59)[1] == []
    assert len(tell(alerts, 60)[1]) == 1


def test_what_a_sink_failed_to_be_told_of_is_told_though_it_is_well_again() -> None:
    (alert,) = after(failed(1)).values()
    alerts = after(made(2, 5), alerts={(alert.alert_id, alert.sink): not_told(alert, START, "refused")})
    assert [item.state for item in tell(alerts, 10)[1]] == ["resolved"]


def test_a_sink_may_ask_for_more_time() -> None:
    (alert,) = after(failed(1)).values()
    assert not_told(alert, START, "busy", timedelta(minutes=5)).next_try_time == START + 5 * MINUTE
    assert not_told(alert, START, "busy", timedelta(days=5)).next_try_time == START + 60 * MINUTE


def test_an_hour_holds_so_many_messages_errors_first_and_the_rest_waits() -> None:
    policy = Policy(most_per_hour=5)
    runs = [failed(number, number / 60, cause=f"cause {chr(97 + number)}") for number in range(12)]
    alerts = after(checked(99, is_passed=False), *runs)
    alerts, said = tell(alerts, 1, policy)
    assert [item.severity for item in said] == ["error"] * 5
    assert waiting(list(alerts.values()), START + 2 * MINUTE, policy, "file") == 8
    assert tell(alerts, 30, policy)[1] == []
    alerts, said = tell(alerts, 61, policy)
    assert len(said) == 5
    alerts, said = tell(alerts, 122, policy)
    assert [item.severity for item in said] == ["error", "error", "warn"]


def test_a_check_that_fails_in_every_run_is_told_once_a_day() -> None:
    alerts: Alerts = {}
    times = []
    for hour in range(72):
        alerts = after(checked(hour, hour * 60, is_passed=False), alerts=alerts)
        alerts, said = tell(alerts, hour * 60)
        times += [hour] * len(said)
    assert times == [0, 24, 48]


def test_warnings_can_be_left_out() -> None:
    assert tell(after(checked(1, is_passed=False)), 1, Policy(least_severity="error"))[1] == []


def test_a_check_that_fails_is_told_with_its_rows_and_resolved_when_it_passes() -> None:
    alerts, (said,) = tell(after(checked(1, is_passed=False)), 1)
    assert said.cause == "Check failed: market.bars:quarantine"
    assert "FROM ops.quarantine" in said.cure
    assert tell(after(checked(2, 5, is_passed=True), alerts=alerts), 6)[1][0].state == "resolved"


def test_a_blocking_check_stands_for_the_step_that_it_stopped() -> None:
    check = checked(1, is_passed=False).checks[0]
    step = FailedStep("market.bars", "1 blocking asset check failed")
    stopped = run(1, 0, is_success=False, checks=[check], failed=[step])
    assert [item.kind for item in troubles_of(stopped)] == ["check_failed"]


def test_a_run_that_was_lost_is_told_too() -> None:
    (lost,) = troubles_of(run(1, 0, is_success=False))
    assert lost.cause == "The run of session failed before its first step or was lost"


@pytest.mark.parametrize("sinks", [("file", "smtp", "webhook")])
def test_each_sink_is_told_by_itself(sinks: tuple[str, ...]) -> None:
    alerts = taken_in({}, failed(1), sinks)
    chosen = messages(list(alerts.values()), START, POLICY)
    assert sorted(item.sink for item in chosen) == sorted(sinks)


Happening = tuple[str, int, int]
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["fails", "works", "look", "look in vain"]), st.integers(0, 3), st.integers(0, 45)
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(HAPPENINGS)
def test_whatever_happens_nothing_is_lost_nothing_told_twice_and_no_hour_overflows(
    happenings: list[Happening],
) -> None:
    policy = Policy(most_per_hour=4)
    alerts: Alerts = {}
    told_at: list[datetime] = []
    said: Counter[str] = Counter()
    minute = 0
    for number, (what, cause, pause) in enumerate(happenings):
        minute += pause
        now = START + minute * MINUTE
        if what in ("fails", "works"):
            item = (failed if what == "fails" else made)(
                number,
                minute,
                table=f"market.t{cause}",
                **({"cause": "abcd"[cause] * 3} if what == "fails" else {}),
            )
            alerts = after(item, alerts=alerts)
            assert after(item, alerts=alerts) == alerts  # taken in twice
            continue
        for alert in messages(list(alerts.values()), now, policy):
            key = (alert.alert_id, alert.sink)
            if what == "look in vain":
                alerts[key] = not_told(alert, now, "refused")
                continue
            said[message(alert).message_id] += 1
            alerts[key] = told(alert, now)
            told_at.append(now)
    assert all(count == 1 for count in said.values())
    for moment in told_at:
        assert sum(moment <= other < moment + timedelta(hours=1) for other in told_at) <= policy.most_per_hour
    # Left alone for a day, with a sink that works, everybody has heard of all that is open.
    for _ in range(26):
        minute += 61  # all of them are errors: an hour is enough
        alerts, _ = tell(alerts, minute, policy)
    assert all(item.told_state == "open" for item in alerts.values() if item.state == "open")
    assert all(item.told_occurrences == item.occurrences for item in alerts.values() if item.state == "open")
