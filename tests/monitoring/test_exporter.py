"""What the exporter tells of a database whose rows are known, and of stores that are down or slow."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import obstore
import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from findata_assets.metrics.exporter import SOURCES, Exporter, Source, serve, text_of
from findata_assets.metrics.families import one
from findata_assets.metrics.outside import Outside
from findata_assets.steps.platform import Platform
from findata_core.errors import PortTaken
from findata_resources.embedded.processes import wait_until
from findata_resources.environment import PROJECT, Settings, load_settings
from tests.conftest import MakePlatform
from tests.monitoring.programs import PATIENCE_SECONDS
from tests.monitoring.watched import Watched
from tests.orchestration import SetClock

NOW = datetime(2022, 6, 15, 12, 0, tzinfo=UTC)
# Two whole backups, the first of them restored on trial; one that was broken off; something else.
BACKUPS = (
    "backups/20220613T040000Z/manifest.json",
    "backups/20220613T040000Z/drill.json",
    "backups/20220614T040000Z/manifest.json",
    "backups/20220615T040000Z/findata.dump",
    "backups/notes/manifest.json",
)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

FETCHES = (
    # source, dataset, seconds, status, bytes, answered, duplicate, quarantined, revised, error, refused
    ("yahoo", "bars", 0.1, 200, 1000, 390, 10, 2, 5, None, None),
    ("yahoo", "bars", 0.25, 200, 500, 100, 0, 0, None, None, None),
    ("yahoo", "bars", 40.0, None, 0, 0, None, None, None, "no answer", False),
    ("yahoo", "bars", 0.2, 422, 30, 0, None, None, None, "beyond the wall", True),
    ("nyfed", "rates", 0.3, 200, 70, 4, 1, 0, 0, None, None),
)
ENTER_FETCH = (
    "INSERT INTO ops.fetches (fetch_id, source, dataset, duration_seconds, http_status, size_bytes, rows_answered, "
    "rows_duplicate, rows_quarantined, rows_revised, error, is_refused, subject, window_start_time, window_end_time, "
    "started_time) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'MSFT.XNAS', now(), now(), now())"
)
# provider, key, window, limit, used, start, end: of two keys the poorer counts, a window that is over is unspent
QUOTAS = (
    ("alphavantage", "a", "day", 25, 20, NOW - timedelta(hours=5), NOW + timedelta(hours=19)),
    ("alphavantage", "b", "day", 25, 23, NOW - timedelta(hours=5), NOW + timedelta(hours=19)),
    ("yahoo", "", "minute", 60, 60, NOW - timedelta(minutes=9), NOW - timedelta(minutes=8)),
)
ARRIVED = (
    # subject, slot, expected, arrived
    ("XNAS", "close", NOW - timedelta(hours=3), None),
    ("XLON", "close", NOW - timedelta(hours=1), None),
    ("XHKG", "close", NOW - timedelta(hours=9), NOW - timedelta(hours=2)),
    ("XNAS", "settled", NOW + timedelta(hours=3), None),
)


def samples(text: str) -> Samples:
    """Return the samples of a scrape by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def known(make_module_platform: MakePlatform) -> Platform:
    """A database with rows that were counted by hand."""
    platform = make_module_platform()
    with platform.store.database.transaction() as cursor:
        for number, row in enumerate(FETCHES):
            cursor.execute(ENTER_FETCH.encode(), [str(number), *row])
        for quota in QUOTAS:
            cursor.execute("INSERT INTO ops.quotas VALUES (%s, %s, %s, %s, %s, %s, %s)", list(quota))
        cursor.execute(
            "INSERT INTO ops.breakers VALUES ('yahoo', 10, %s, %s), ('nyfed', 2, NULL, NULL)", [NOW, NOW]
        )
        # Two that asked for a rest: of an hour, and of one that is over now.
        hour = timedelta(hours=1)
        cursor.execute(
            "INSERT INTO ops.breakers VALUES ('fred', 1, %s, %s), ('ecb', 1, %s, %s)",
            [NOW, NOW + hour, NOW - hour, NOW],
        )
        for subject, slot, expected, arrived in ARRIVED:
            cursor.execute(
                "INSERT INTO ops.arrivals (dataset, provider, subject, due_date, slot, expected_time, arrived_time) "
                "VALUES ('market.bars', 'yahoo', %s, %s, %s, %s, %s)",
                [subject, NOW.date(), slot, expected, arrived],
            )
    bucket = Outside(platform.settings).bucket()
    for key in BACKUPS:
        obstore.put(bucket, key, b"{}")
    return platform


@pytest.fixture(scope="module")
def scrape(known: Platform) -> Samples:
    return samples(scraped(known.settings))


def scraped(settings: Settings) -> str:
    exporter = Exporter(Outside(settings, SetClock(NOW)), patience_seconds=60)
    text = text_of(exporter)
    exporter.close()
    return text


def test_requests_are_counted_by_provider_and_status(scrape: Samples) -> None:
    requests = {
        (labels["provider"], labels["status"]): value
        for (name, pairs), value in scrape.items()
        if name == "findata_provider_requests_total" and (labels := dict(pairs))
    }
    assert requests == {("yahoo", "200"): 2, ("yahoo", "none"): 1, ("yahoo", "422"): 1, ("nyfed", "200"): 1}
    assert told(scrape, "findata_provider_request_failures_total", provider="yahoo", kind="failed") == 1
    assert told(scrape, "findata_provider_request_failures_total", provider="yahoo", kind="refused") == 1


def test_rows_are_counted_by_what_became_of_them(scrape: Samples) -> None:
    bars = {"provider": "yahoo", "dataset": "bars"}
    assert told(scrape, "findata_rows_ingested_total", **bars) == 390 - 10 - 2 + 100
    assert told(scrape, "findata_rows_duplicate_total", **bars) == 10
    assert told(scrape, "findata_rows_quarantined_total", **bars) == 2
    assert told(scrape, "findata_rows_revised_total", **bars) == 5
    assert told(scrape, "findata_received_bytes_total", **bars) == 1530


def test_a_duration_that_is_a_bound_lies_below_it(scrape: Samples) -> None:
    within = {
        bound: told(scrape, "findata_request_duration_seconds_bucket", provider="yahoo", le=bound)
        for bound in ("0.05", "0.1", "0.25", "0.5", "30.0", "+Inf")
    }
    assert within == {"0.05": 0, "0.1": 1, "0.25": 3, "0.5": 3, "30.0": 3, "+Inf": 4}
    assert told(scrape, "findata_request_duration_seconds_count", provider="yahoo") == 4
    assert told(scrape, "findata_request_duration_seconds_sum", provider="yahoo") == pytest.approx(40.55)


def test_what_is_left_of_limits_is_that_of_the_poorest_key(scrape: Samples) -> None:
    assert told(scrape, "findata_provider_quota_remaining", provider="alphavantage", window="day") == 2
    assert told(scrape, "findata_provider_quota_limit", provider="alphavantage", window="day") == 25
    assert told(scrape, "findata_provider_quota_remaining", provider="yahoo", window="minute") == 60


def test_a_provider_that_rests_is_told_from_one_that_stumbled(scrape: Samples) -> None:
    assert told(scrape, "findata_provider_breaker_open", provider="yahoo") == 1
    assert told(scrape, "findata_provider_breaker_open", provider="nyfed") == 0
    assert told(scrape, "findata_provider_breaker_open", provider="fred") == 1
    assert told(scrape, "findata_provider_breaker_open", provider="ecb") == 0
    assert told(scrape, "findata_provider_failures_in_row", provider="nyfed") == 2


def test_late_is_what_should_be_here_and_is_not(scrape: Samples) -> None:
    bars = {"dataset": "market.bars", "provider": "yahoo"}
    assert told(scrape, "findata_freshness_lag_seconds", **bars, slot="close") == 3 * 3600
    assert told(scrape, "findata_freshness_lag_seconds", **bars, slot="settled") == 0
    states = {
        (dict(pairs)["slot"], dict(pairs)["state"]): value
        for (name, pairs), value in scrape.items()
        if name == "findata_arrivals"
    }
    assert states == {("close", "late"): 2, ("close", "arrived"): 1, ("settled", "awaited"): 1}


def test_backups_are_counted_when_they_are_whole(scrape: Samples) -> None:
    assert told(scrape, "findata_backups") == 2
    made = datetime(2022, 6, 14, 4, 0, tzinfo=UTC).timestamp()
    assert told(scrape, "findata_backup_last_timestamp_seconds") == made
    assert told(scrape, "findata_backup_drill_last_timestamp_seconds") > made


def test_stores_that_answer_are_up(scrape: Samples) -> None:
    assert (told(scrape, "findata_database_up"), told(scrape, "findata_s3_up")) == (1, 1)
    assert told(scrape, "findata_database_round_trip_seconds") > 0
    failing = [
        pairs for (name, pairs), value in scrape.items() if name == "findata_collector_up" and not value
    ]
    # Dagster has never run on it; its database is another one, which is there.
    assert failing == []


def test_counters_survive_a_restart_of_the_exporter(known: Platform, scrape: Samples) -> None:
    again = samples(scraped(known.settings))
    counted = {
        key: value
        for key, value in scrape.items()
        if key[0].endswith("_total") and "findata_database" not in key[0]
    }
    assert {key: again[key] for key in counted} == counted


def test_no_label_names_an_instrument(watched: Watched) -> None:
    text = scraped(watched.settings)
    assert "MSFT" not in text
    found = samples(text)
    assert len(found) < 2000
    assert {key for _, pairs in found for key, _ in pairs} <= {
        *("asset", "check", "collector", "daemon", "dataset", "folder", "interval", "job_name", "kind", "le"),
        *("outcome", "provider", "rule", "severity", "slot", "state", "statistic", "status", "step", "table"),
        *("type", "version", "window"),
    }


def test_runs_steps_and_checks_come_from_the_diary_of_dagster(watched: Watched) -> None:
    found = samples(scraped_now(watched.settings))
    job = "__ephemeral_asset_job__"
    assert told(found, "findata_runs_last_day", job_name=job, outcome="success") == 1
    assert told(found, "findata_runs_last_day", job_name=job, outcome="failure") == 1
    assert told(found, "findata_run_duration_seconds_gcount", job_name=job) == 2
    assert told(found, "findata_steps_last_day", step="breaks_down", outcome="failure") == 1
    assert told(found, "findata_steps_last_day", step="market__bars", outcome="success") == 1
    assert told(found, "findata_step_duration_seconds", step="market__bars", statistic="longest") > 0
    bars = {"asset": "market.bars"}
    assert told(found, "findata_check_failures", **bars, check="contract", severity="error") == 0
    assert told(found, "findata_check_failures", **bars, check="always_fails", severity="error") == 1
    assert told(found, "findata_check_failures", **bars, check="always_warns", severity="warn") == 1
    assert told(found, "findata_daemon_heartbeat_age_seconds", daemon="SCHEDULER") < 600


def scraped_now(settings: Settings) -> str:
    exporter = Exporter(Outside(settings), patience_seconds=60)
    text = text_of(exporter)
    exporter.close()
    return text


def test_stores_that_are_down_are_told_of_and_nothing_is_raised(tmp_path: Any) -> None:
    settings = load_settings(
        home=tmp_path,
        database_url="postgresql://findata:secret@127.0.0.1:9/findata",
        s3_endpoint="http://127.0.0.1:9",
        s3_access_key="key",
        s3_secret_key="secret",
        _env_file=None,
    )
    text = text_of(exporter := Exporter(Outside(settings), patience_seconds=60))
    exporter.close()
    found = samples(text)
    assert (told(found, "findata_database_up"), told(found, "findata_s3_up")) == (0, 0)
    up = {
        dict(pairs)["collector"]: value
        for (name, pairs), value in found.items()
        if name == "findata_collector_up"
    }
    assert {name for name, value in up.items() if value} == {"disks", "probes"}
    assert "secret" not in text


def test_servers_that_were_never_started_are_down_too(tmp_path: Any) -> None:
    exporter = Exporter(Outside(load_settings(home=tmp_path, _env_file=None)), patience_seconds=60)
    found = samples(text_of(exporter))
    exporter.close()
    assert (told(found, "findata_database_up"), told(found, "findata_s3_up")) == (0, 0)


class Counting:
    """A collector that counts its calls; it waits for `gate`, and fails where it is told to."""

    def __init__(self) -> None:
        self.calls, self.fails, self.gate = 0, False, threading.Event()
        self.gate.set()

    def __call__(self, outside: Outside) -> Iterator[Metric]:
        self.calls += 1
        self.gate.wait(PATIENCE_SECONDS)
        if self.fails:
            raise RuntimeError("as told")
        yield one("calls", "Calls so far.", self.calls)


@pytest.fixture
def counting() -> tuple[Counting, list[float], Exporter]:
    """A collector that is asked once a minute, by a clock that is set; a scrape waits for it."""
    return counted_with(PATIENCE_SECONDS)


def counted_with(patience_seconds: float) -> tuple[Counting, list[float], Exporter]:
    collect, now = Counting(), [0.0]
    outside = Outside(load_settings(_env_file=None))
    exporter = Exporter(outside, [Source("counting", collect, 60.0)], patience_seconds, lambda: now[0])
    return collect, now, exporter


def test_what_was_said_is_kept_for_its_time_and_its_age_is_told(
    counting: tuple[Counting, list[float], Exporter],
) -> None:
    _, now, exporter = counting
    first = samples(text_of(exporter))
    now[0] = 59.0
    second = samples(text_of(exporter))
    now[0] = 60.0
    third = samples(text_of(exporter))
    assert (told(first, "calls"), told(second, "calls"), told(third, "calls")) == (1, 1, 2)
    assert told(second, "findata_collector_age_seconds", collector="counting") == 59
    exporter.close()


def test_what_takes_long_is_asked_more_rarely() -> None:
    now, calls = [0.0], []

    def collect(_: Outside) -> list[Metric]:
        calls.append(now[0])
        now[0] += 10.0
        return []

    exporter = Exporter(
        Outside(load_settings(_env_file=None)), [Source("slow", collect, 60.0)], 30, lambda: now[0]
    )
    for moment in (0.0, 100.0, 209.0, 210.0):
        now[0] = max(now[0], moment)
        text_of(exporter)
    exporter.close()
    assert calls == [0.0, 210.0]


def test_a_collector_that_fails_is_silent_until_it_works_again(
    counting: tuple[Counting, list[float], Exporter],
) -> None:
    collect, now, exporter = counting
    collect.fails = True
    failed = samples(text_of(exporter))
    collect.fails, now[0] = False, 61.0
    healed = samples(text_of(exporter))
    assert ("calls", frozenset()) not in failed
    assert told(failed, "findata_collector_up", collector="counting") == 0
    assert (
        told(healed, "calls"),
        told(healed, "findata_collector_failures_total", collector="counting"),
    ) == (2, 1)
    exporter.close()


def test_a_scrape_does_not_wait_for_a_collector_that_hangs() -> None:
    collect, _, exporter = counted_with(patience_seconds=0.2)
    collect.gate.clear()
    first = samples(text_of(exporter))
    # Its thread may have been slower than the scrape: it hangs from here on.
    assert wait_until(lambda: collect.calls == 1, PATIENCE_SECONDS)
    second = samples(text_of(exporter))
    assert ("calls", frozenset()) not in {**first, **second}
    assert collect.calls == 1  # it is not asked again while it has not answered
    collect.gate.set()
    exporter.close()


def test_the_server_answers_over_http(counting: tuple[Counting, list[float], Exporter]) -> None:
    serving = serve(counting[2], "127.0.0.1", 0)
    address = f"http://127.0.0.1:{serving.port}/metrics"
    answer = httpx.get(address, trust_env=False, timeout=2 * PATIENCE_SECONDS)
    serving.stop()
    assert (answer.status_code, "calls 1.0" in answer.text) == (200, True)


def test_a_port_that_is_taken_says_what_to_change(
    counting: tuple[Counting, list[float], Exporter],
) -> None:
    serving = serve(counting[2], "127.0.0.1", 0)
    second = Exporter(Outside(load_settings(_env_file=None)), [])
    with pytest.raises(PortTaken, match="FINDATA_METRICS_PORT"):
        serve(second, "127.0.0.1", serving.port)
    serving.stop()


def test_every_metric_is_in_the_documents(watched: Watched) -> None:
    page = (PROJECT / "docs" / "monitoring.md").read_text()
    described = set(re.findall(r"^\| `(findata_\w+)", page, re.MULTILINE))
    families = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(scraped_now(watched.settings))
    }
    # Without backups, and without series of their own kind, there is nothing to tell of them.
    unseen = {"findata_backup_last_timestamp_seconds", "findata_backup_drill_last_timestamp_seconds"}
    told_apart = {re.sub(r"_(gcount|gsum)$", "", name) for name in families}
    assert told_apart - described == set()
    assert described - told_apart <= unseen


def test_collectors_have_names_of_their_own() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)
