"""Files dropped into the inbox: each content once, whatever comes in between; what can't be read says why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from psycopg import sql

from findata_assets.resource import given
from findata_assets.sensors.attempts import THING
from findata_assets.sensors.due import due
from findata_assets.sensors.inbox import inbox
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.inbox import Taken, take_inbox
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_resources.stores.inbox import DONE, INBOX, REFUSED, Inbox
from tests.conftest import MakePlatform
from tests.inbox.dropping import MANIFEST, MINUTES, Dropper, count, minutes
from tests.orchestration import Orchestrated, SetClock
from tests.simulation.clock import SimulatedClock
from tests.simulation.daemon import SimulatedDaemon

PAYLOADS = sql.SQL("SELECT count(*) AS n FROM ops.payloads WHERE source = 'friend'")
BARS = sql.SQL("SELECT count(*) AS n FROM market.bars WHERE source = 'friend'")
CANDLES = sql.SQL(
    "SELECT count(*) AS n FROM market.candles WHERE source = 'friend' AND interval = '1h' "
    "AND session_date IN ('2022-06-07', '2022-06-08')"
)


@pytest.fixture(scope="module")
def shared(make_module_platform: MakePlatform) -> Platform:
    platform = make_module_platform()
    refresh_reference(platform)
    return platform


@pytest.fixture
def friend(shared: Platform) -> Iterator[Dropper]:
    """Somebody who has dropped a manifest into a folder of the inbox."""
    dropper = Dropper(shared)
    dropper.drop("a friend/recorded.toml", MANIFEST.encode())
    yield dropper
    dropper.clear()


def take(friend: Dropper) -> Taken:
    return take_inbox(friend.platform, friend.waiting())


def reason_of(friend: Dropper, name: str) -> dict[str, Any]:
    (key,) = [key for key in friend.listed(REFUSED) if key.endswith(f"{name}.reason.json")]
    told: dict[str, Any] = json.loads(friend.read(key))
    return told


def test_a_file_with_spaces_in_its_name_becomes_bars_and_its_content_is_taken_once(friend: Dropper) -> None:
    friend.drop("a friend/MSFT of tuesday_1m.csv", minutes())
    taken = take(friend)
    assert (len(taken.taken), taken.intake.rows_answered) == (1, MINUTES + 1)  # and its instrument
    run_due(friend.platform)
    assert count(friend.platform, BARS) == MINUTES
    assert friend.listed(INBOX) == [f"{INBOX}a friend/recorded.toml"]
    (done,) = friend.listed(DONE)
    assert json.loads(friend.read(done))["rows"] == MINUTES + 1

    friend.drop("a friend/MSFT again_1m.csv", minutes())
    friend.drop("a friend/MSFT of tuesday_1m.csv", minutes())
    again = take(friend)
    assert (len(again.known), again.taken) == (2, ())
    assert count(friend.platform, PAYLOADS) == 1
    assert friend.listed(INBOX) == [f"{INBOX}a friend/recorded.toml"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("a friend/MSFT_1m.csv", b"", "is empty"),
        ("a friend/MSFT_1m.csv", b"<html>not found</html>", "no column 'date'"),
        ("a friend/MSFT_1m.csv", b"\xff\xfe\x00\x01", "is not utf-8"),
        ("a friend/notes.txt", b"hello", "no set names it"),
        ("nobody/MSFT_1m.csv", b"date,close\n", "There is no recorded.toml"),
        ("MSFT_1m.csv", b"date,close\n", "There is no recorded.toml"),
    ],
    ids=["empty", "a page", "no text", "not named", "no manifest", "beside no manifest"],
)
def test_what_cant_be_read_is_moved_away_with_the_reason(
    friend: Dropper, path: str, body: bytes, words: str
) -> None:
    friend.drop(path, body)
    (refused,) = take(friend).refused
    assert words in refused[1]
    told = reason_of(friend, path)
    assert (told["key"], told["size_bytes"]) == (f"{INBOX}{path}", len(body))
    assert words in told["reason"]
    assert told["next_step"]
    assert friend.waiting() == {}
    (kept,) = [key for key in friend.listed(REFUSED) if key.endswith(path)]
    assert friend.read(kept) == body


def test_a_broken_manifest_refuses_what_lies_beside_it_and_stays(friend: Dropper) -> None:
    friend.drop("odd/recorded.toml", b"[[set]]\nnom = 1\n")
    friend.drop("odd/MSFT_1m.csv", minutes())
    (refused,) = take(friend).refused
    assert refused[0] == f"{INBOX}odd/MSFT_1m.csv"
    assert f"{INBOX}odd/recorded.toml" in friend.listed(INBOX)


def test_one_bad_file_costs_the_others_nothing(friend: Dropper) -> None:
    friend.drop("a friend/MSFT monday_1m.csv", minutes("2022-06-13"))
    friend.drop("a friend/MSFT nothing_1m.csv", b"")
    taken = take(friend)
    assert (len(taken.taken), len(taken.refused)) == (1, 1)


def test_a_file_that_has_changed_since_it_was_seen_is_left_for_the_next_look(friend: Dropper) -> None:
    key = friend.drop("a friend/MSFT_1m.csv", minutes()[:1000])
    seen = friend.waiting()
    friend.drop("a friend/MSFT_1m.csv", minutes("2022-06-10"))
    assert take_inbox(friend.platform, seen).left == (key,)
    assert list(friend.waiting()) == [key]
    assert take_inbox(friend.platform, {f"{INBOX}a friend/gone_1m.csv": "x"}).left


def test_killed_between_taking_in_and_marking_nothing_is_lost_and_nothing_doubled(
    friend: Dropper, monkeypatch: pytest.MonkeyPatch
) -> None:
    friend.drop("a friend/MSFT thursday_1m.csv", minutes("2022-06-09"))
    before = count(friend.platform, PAYLOADS)
    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "done", _killed)
        with pytest.raises(KeyboardInterrupt):
            take(friend)
    assert count(friend.platform, PAYLOADS) == before + 1
    assert len(friend.waiting()) == 1
    assert len(take(friend).known) == 1
    assert count(friend.platform, PAYLOADS) == before + 1
    assert friend.waiting() == {}


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def look(friend: Dropper, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    resources = {"platform": given(friend.platform)}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        found = inbox(context)
    assert isinstance(found, dg.SensorResult)
    return found


def test_the_sensor_waits_until_two_looks_have_seen_the_same_file(friend: Dropper) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        friend.drop("a friend/MSFT_1m.csv", minutes()[:500])
        first = look(friend, instance, None)
        assert not first.run_requests
        friend.drop("a friend/MSFT_1m.csv", minutes())  # it was still being written
        second = look(friend, instance, first.cursor)
        assert not second.run_requests
        third = look(friend, instance, second.cursor)
        (request,) = third.run_requests or []
        files = request.run_config["ops"]["raw__recorded__inbox"]["config"]["files"]
        assert list(files) == [f"{INBOX}a friend/MSFT_1m.csv"]
        # Whoever looks with the same cursor, as a daemon does that was killed before it kept the new one, asks alike.
        (same,) = look(friend, instance, second.cursor).run_requests or []
        assert same.run_key == request.run_key


def test_a_run_under_way_is_not_doubled_and_one_that_failed_is_tried_again_later(friend: Dropper) -> None:
    clock = friend.platform.clock
    with dg.DagsterInstance.ephemeral() as instance:
        friend.drop("a friend/MSFT_1m.csv", minutes())
        cursor = look(friend, instance, None).cursor
        (request,) = look(friend, instance, cursor).run_requests or []
        run = dg.DagsterRun("inbox", tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)
        assert "under way" in str(look(friend, instance, cursor).skip_reason)
        instance.delete_run(run.run_id)
        instance.add_run(dg.DagsterRun("inbox", tags=dict(request.tags), status=dg.DagsterRunStatus.FAILURE))
        assert "again after" in str(look(friend, instance, cursor).skip_reason)
        friend.platform.clock = SetClock(clock.now())
        friend.platform.clock.sleep(700)
        (again,) = look(friend, instance, cursor).run_requests or []
        friend.platform.clock = clock
        assert (again.tags[THING], again.run_key) == (request.tags[THING], f"{request.tags[THING]}/2")


def test_dropped_files_appear_as_candles_without_a_hand_once(friend: Dropper) -> None:
    """Two at once; nobody does anything but the two sensors, which then find nothing more to do."""
    platform = friend.platform
    clock = SimulatedClock(platform.clock.now())
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = SimulatedDaemon(Orchestrated(platform, instance), clock, [], [inbox, due])
        friend.drop("a friend/MSFT a_1m.csv", minutes("2022-06-07"))
        friend.drop("a friend/MSFT b_1m.csv", minutes("2022-06-08"))
        for _ in range(3):
            daemon.look()
        assert [line.split()[2] for line in daemon.done].count("inbox") == 1
        # An hour each from 09:30, the last one of half an hour.
        assert count(platform, CANDLES) == 2 * 7
        assert friend.waiting() == {}
        done = len(daemon.done)
        daemon.look()
        assert len(daemon.done) == done
