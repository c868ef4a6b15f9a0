"""A database that is destroyed comes back from its backup and, apart from that, from raw alone: to the same hash.

One story is told once for the whole module: a backup, a payload after it, both databases dropped, restored, dropped
again, rebuilt. Refusals are tried on empty databases beside the same bucket.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command

from findata_assets.ops.backups import restore_drill
from findata_assets.resource import given
from findata_assets.steps.backing_up import take_backup
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.restoring import drill
from findata_assets.steps.sources import refresh_reference
from findata_core.backups.manifest import DRILL, MANIFEST, Manifest, key_of
from findata_core.backups.retention import Kept
from findata_resources.backups import catalogue, servers
from findata_resources.backups.programs import database_in
from findata_resources.environment import resolve_endpoints, settings_environment
from findata_resources.migrations.migrate import alembic_config, create_extension, known_revisions, locked
from findata_resources.stores.objects import Objects
from tests.cli.conftest import Run, run
from tests.cli.tampering import change_database
from tests.conftest import MakePlatform
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder, write_rates

OPEN = "2022-05-19 13:30"

HASH = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass
class Story:
    """What was printed, and the hash of all tables, along the way."""

    platform: Platform
    backup: Any
    drill: Any
    lost: str
    restore: Any
    dagster_rows: list[tuple[Any, ...]]
    reader_may_read: list[tuple[Any, ...]]
    rebuild: Any
    rebuilt: str


@pytest.fixture(scope="module")
def story(
    make_module_platform: MakePlatform, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Tell it."""
    folder = tmp_path_factory.mktemp("story")
    platform = make_module_platform()
    platform = make_module_platform(
        s3_bucket=platform.settings.s3_bucket,
        dagster_database_url=servers.with_database(url_of(platform), f"dagster_{uuid.uuid4().hex[:8]}"),
    )
    make_dagster(platform)
    refresh_reference(platform)
    receive_before(platform, folder)
    backup, drill = run("backup", on=platform), run("backup", "drill", on=platform)
    receive_after(platform, folder)
    lost = servers.content_hash_of(url_of(platform))
    destroy(platform)
    restore = run("restore", on=platform)
    dagster_rows = rows(dagster_url_of(platform), "SELECT run_id, status FROM runs ORDER BY 1")
    may_read = "SELECT has_table_privilege('findata_reader', 'v1.bars', 'SELECT'), count(*) > 0 FROM v1.bars"
    reader_may_read = rows(url_of(platform), may_read)
    destroy(platform)
    administer(platform, f"CREATE DATABASE {database_in(url_of(platform))} TEMPLATE {migrated_template}")
    rebuild = run("rebuild", on=platform)
    rebuilt = servers.content_hash_of(url_of(platform))
    make_dagster(platform)
    yield Story(platform, backup, drill, lost, restore, dagster_rows, reader_may_read, rebuild, rebuilt)
    administer(platform, f"DROP DATABASE IF EXISTS {database_in(dagster_url_of(platform))} WITH (FORCE)")


@pytest.fixture
def blank(story: Story, make_platform: MakePlatform) -> Iterator[Platform]:
    """A platform of empty databases that sees the story's bucket; Dagster's database is not there at all."""
    platform = make_platform(
        s3_bucket=story.platform.settings.s3_bucket,
        dagster_database_url=servers.with_database(url_of(story.platform), f"dagster_{uuid.uuid4().hex[:8]}"),
    )
    yield platform
    administer(platform, f"DROP DATABASE IF EXISTS {database_in(dagster_url_of(platform))} WITH (FORCE)")


def test_a_backup_says_what_is_in_it_and_until_when(story: Story) -> None:
    assert story.backup.exit_code == 0, story.backup.output
    assert re.search(r"findata +\d+ +[\d,]+ ", story.backup.stdout)
    assert re.search(r"dagster +1 +2 ", story.backup.stdout)
    assert re.search(r"youngest payload in it: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", story.backup.stdout)


def test_readers_have_their_views_and_rights_again_after_a_restore(story: Story) -> None:
    assert story.reader_may_read == [(True, True)]


def test_a_drill_finds_it_equal(story: Story) -> None:
    assert story.drill.exit_code == 0, story.drill.output
    assert re.search(r"equal: backup \d{8}T\d{6}Z, restored and compared in \d+\.\d s", story.drill.stdout)


def test_a_destroyed_database_comes_back_with_what_was_received_after_the_backup(story: Story) -> None:
    assert story.restore.exit_code == 0, story.restore.output
    as_it_was, now = HASH.findall(story.restore.stdout)
    assert as_it_was == HASH.search(story.backup.stdout)[0]  # type: ignore[index]
    assert as_it_was != now
    assert now == story.lost
    assert "2 payloads" in story.restore.stdout
    assert len(re.findall(r"in \d+\.\d s", story.restore.stdout)) == 2


def test_dagster_comes_back_too(story: Story) -> None:
    assert story.dagster_rows == [("first", "SUCCESS"), ("second", "FAILURE")]


def test_everything_made_again_from_raw_is_the_same_by_hash(story: Story) -> None:
    assert story.rebuild.exit_code == 0, story.rebuild.output
    assert "the database held nothing: " in story.rebuild.stdout
    assert story.rebuilt == story.lost
    assert re.search(rf"all tables: {story.lost} after \d+\.\d s", story.rebuild.stderr)


def test_the_list_names_whole_ones_halves_and_what_a_drill_found(story: Story, findata: Run) -> None:
    objects = objects_of(story.platform)
    half = key_of("20200101T000000Z", "findata.dump")
    objects.create(half, b"cut off")
    listed = findata("backup", "list", "--json", on=story.platform)
    objects.delete(half)
    lines = {line["name"]: line for line in json.loads(listed.stdout)}
    assert lines["20200101T000000Z"]["state"] == "half"
    whole = lines[manifest(story).name]
    assert whole["state"] == "whole"
    assert whole["drill"].startswith("equal at ")
    assert whole["hash"] == manifest(story).content_hash


def test_a_database_that_holds_something_is_never_overwritten(story: Story, findata: Run) -> None:
    before = servers.content_hash_of(url_of(story.platform))
    refused = findata("restore", on=story.platform)
    assert refused.exit_code == 2
    assert "is not empty: " in refused.stderr
    assert "has rows" in refused.stderr
    assert "rename the database first" in refused.stderr
    assert servers.content_hash_of(url_of(story.platform)) == before


def test_a_table_of_somebody_else_is_not_overwritten(blank: Platform, findata: Run) -> None:
    with servers.connected(url_of(blank)) as connection:
        connection.execute("CREATE SCHEMA payroll")
        connection.execute("CREATE TABLE payroll.people (name text)")
    refused = findata("restore", on=blank)
    assert refused.exit_code == 2
    assert "payroll.people, which is not findata's" in refused.stderr


def test_a_database_that_somebody_uses_is_left_alone(blank: Platform, findata: Run) -> None:
    with psycopg.connect(url_of(blank), application_name="a dashboard"):
        refused = findata("restore", on=blank)
    assert refused.exit_code == 3
    assert "a dashboard" in refused.stderr


def test_two_restores_at_once_are_one(blank: Platform, findata: Run) -> None:
    with servers.administered(url_of(blank)):
        refused = findata("restore", on=blank)
    assert refused.exit_code == 3
    assert "is under way on this server" in refused.stderr


def change_bytes(objects: Objects, backup: Manifest) -> None:
    key = backup.parts[0].key
    body = bytearray(objects.get(key))
    body[len(body) // 2] ^= 0xFF
    objects.replace(key, bytes(body), objects.version(key))


def remove_a_part(objects: Objects, backup: Manifest) -> None:
    objects.delete(backup.parts[1].key)


def cut_a_part(objects: Objects, backup: Manifest) -> None:
    key = backup.parts[0].key
    objects.replace(key, objects.get(key)[:-1], objects.version(key))


def come_from_a_later_server(objects: Objects, backup: Manifest) -> None:
    write_manifest(objects, replace(backup, server=99))


def say_other_rows(objects: Objects, backup: Manifest) -> None:
    said = backup.parts[0]
    counts = {**said.tables, "ops.payloads": replace(said.tables["ops.payloads"], rows=77)}
    write_manifest(objects, replace(backup, parts=(replace(said, tables=counts), *backup.parts[1:])))


def lose_its_end(objects: Objects, backup: Manifest) -> None:
    key = key_of(backup.name, MANIFEST)
    objects.replace(key, objects.get(key)[:-30], objects.version(key))


@pytest.mark.parametrize(
    ("harm", "code", "reason", "next_step"),
    [
        (change_bytes, 1, "has other bytes than were written", "Restore another backup"),
        (remove_a_part, 1, "dagster.dump is missing", "Restore another backup"),
        (cut_a_part, 1, "the manifest says", "Restore another backup"),
        (come_from_a_later_server, 2, "of PostgreSQL 99, the server is 17", "findata rebuild"),
        (say_other_rows, 1, "ops.payloads differs (77 rows, now", "Nothing was put in place"),
        (lose_its_end, 1, "is not what findata wrote", "findata backup list"),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_a_harmed_backup_restores_nothing_and_says_why(
    story: Story,
    blank: Platform,
    findata: Run,
    harm: Callable[[Objects, Manifest], None],
    code: int,
    reason: str,
    next_step: str,
) -> None:
    objects = objects_of(blank)
    copied = copy_of(objects, manifest(story), "20200202T020202Z")
    harm(objects, copied)
    refused = findata("restore", copied.name, on=blank)
    remove(blank, copied.name)
    assert refused.exit_code == code, refused.output
    assert reason in refused.stderr
    assert next_step in refused.stderr
    assert left_behind(blank) == []
    assert servers.why_not_empty(url_of(blank)) is None


def test_an_unknown_name_says_which_there_are(story: Story, blank: Platform, findata: Run) -> None:
    refused = findata("restore", "20010101T000000Z", on=blank)
    assert refused.exit_code == 2
    assert f"the newest is {manifest(story).name}" in refused.stderr


def test_a_restore_that_is_interrupted_or_killed_leaves_nothing_in_place_and_can_be_run_again(
    story: Story, blank: Platform, start: Run, findata: Run
) -> None:
    interrupted = stopped_at(start, blank, "findata: comparing", signal.SIGINT, "restore")
    assert interrupted.returncode == 130
    assert left_behind(blank) == []
    killed = stopped_at(start, blank, "findata: comparing", signal.SIGKILL, "restore")
    assert killed.returncode == -signal.SIGKILL
    assert servers.why_not_empty(url_of(blank)) is None
    again = findata("restore", "--without-dagster", on=blank)
    assert again.exit_code == 0, again.output
    assert servers.content_hash_of(url_of(blank)) == story.lost
    assert left_behind(blank) == []
    assert database_in(dagster_url_of(blank)) not in databases(blank)


def test_a_backup_that_is_killed_is_never_taken_for_one(story: Story, start: Run) -> None:
    before = manifest(story)
    with servers.connected(dagster_url_of(story.platform), autocommit=False) as connection:
        connection.execute("LOCK TABLE runs")  # it can't be counted while we hold it
        stopped_at(start, story.platform, "dagster: counting", signal.SIGKILL, "backup")
    objects = objects_of(story.platform)
    halves = [item for item in catalogue.holdings(objects) if not item.is_whole]
    assert [sorted(item.files) for item in halves] == [["findata.dump"]]
    assert catalogue.chosen(objects, "latest") == before
    catalogue.remove(objects, halves[0])


def test_what_is_written_while_it_is_dumped_is_not_in_a_backup(story: Story) -> None:
    def progress(message: str) -> None:
        if message.startswith("findata: dumping"):
            change_database(story.platform, "INSERT INTO ops.breakers VALUES ('meanwhile', 1)")

    taken = take_backup(story.platform, progress).manifest
    record = drill(story.platform, taken.name, progress)
    change_database(story.platform, "DELETE FROM ops.breakers WHERE provider = 'meanwhile'")
    remove(story.platform, taken.name)
    assert taken.parts[0].tables["ops.breakers"].rows == 0
    assert record.differences == ()


def test_a_backup_of_an_older_migration_is_migrated_before_it_takes_its_place(
    story: Story, blank: Platform, findata: Run
) -> None:
    administer(blank, f"DROP DATABASE {database_in(url_of(blank))} WITH (FORCE)")
    administer(blank, f"CREATE DATABASE {database_in(url_of(blank))}")
    with locked(url_of(blank)) as connection:
        create_extension(connection)
        command.upgrade(alembic_config(connection), known_revisions()[1])
        connection.commit()
    with servers.connected(url_of(blank)) as connection:
        connection.execute("INSERT INTO ops.breakers VALUES ('yahoo', 3)")
    older = re.search(r"backup (\d{8}T\d{6}Z) in", findata("backup", on=blank).stdout)
    destroy(blank)
    restored = findata("restore", on=blank)
    assert older is not None
    remove(blank, older[1])
    assert restored.exit_code == 0, restored.output
    assert rows(url_of(blank), "SELECT version_num FROM findata_version") == [(known_revisions()[0],)]
    assert rows(url_of(blank), "SELECT * FROM ops.breakers") == [("yahoo", 3, None, None)]
    assert servers.content_hash_of(url_of(blank)) == story.lost  # all of it came from raw


def test_a_drill_in_dagster_fails_where_the_backup_holds_rows_that_are_not_their_digests(
    story: Story, findata: Run
) -> None:
    change_database(
        story.platform, "UPDATE market.bars_1d SET close = close + 0.01 WHERE session_date = '2022-05-19'"
    )
    findata("backup", on=story.platform)
    result = restore_drill.execute_in_process(
        resources={"platform": given(story.platform)}, raise_on_error=False
    )
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    newest = catalogue.holdings(objects_of(story.platform))[-1]
    record = catalogue.drill_of(objects_of(story.platform), newest)
    catalogue.remove(objects_of(story.platform), newest)
    assert "market.bars_1d: 1 scopes are not what their digests say" in str(failed.step_failure_data.error)
    assert record is not None
    assert record.differences == ("market.bars_1d: 1 scopes are not what their digests say",)
    assert left_behind(story.platform) == []


def test_what_is_no_longer_kept_goes_and_the_newest_proven_one_stays(story: Story) -> None:
    objects, now = objects_of(story.platform), manifest(story).time
    proven = copy_of(objects, manifest(story), "20200103T000000Z")
    objects.create(
        key_of(proven.name, DRILL),
        objects.get(key_of(manifest(story).name, DRILL)).replace(
            manifest(story).name.encode(), proven.name.encode()
        ),
    )
    others = [
        copy_of(objects, manifest(story), name).name for name in ("20200101T000000Z", "20200105T000000Z")
    ]
    objects.delete(key_of(manifest(story).name, DRILL))
    objects.create(key_of("20200106T000000Z", "findata.dump"), b"a half")
    removed = catalogue.remove_old(objects, Kept(daily=1), now)
    assert removed == sorted([*others, "20200106T000000Z"])
    assert [item.name for item in catalogue.holdings(objects)] == [proven.name, manifest(story).name]


def receive_before(platform: Platform, folder: Path) -> None:
    """Take in minutes, a revision of one of them, and a day."""
    session = minutes_from(at(OPEN), [flat(10), flat(11), flat(12)])
    take_in(platform, write_folder(folder / "first", "2022-06-01T12:00:00Z", session))
    revised = minutes_from(at(OPEN), [flat(10), flat(11.5)])
    take_in(platform, write_folder(folder / "revised", "2022-06-02T12:00:00Z", revised))
    days = {"2022-05-19": flat(12)}
    take_in(platform, write_folder(folder / "days", "2022-06-01T12:00:00Z", days, interval="1d"))
    run_due(platform)


def receive_after(platform: Platform, folder: Path) -> None:
    """Take in another revision, and fixings: on S3 as raw, and in no backup."""
    revised = minutes_from(at(OPEN), [flat(10.5)])
    take_in(platform, write_folder(folder / "again", "2022-06-03T12:00:00Z", revised))
    fixings = {"2022-05-19": 0.79, "2022-05-20": 0.78}
    take_in(platform, write_rates(folder / "rates", "2022-06-03T12:00:00Z", fixings), "rates")
    run_due(platform)


def url_of(platform: Platform) -> str:
    return resolve_endpoints(platform.settings).database_url


def dagster_url_of(platform: Platform) -> str:
    return resolve_endpoints(platform.settings).dagster_database_url


def objects_of(platform: Platform) -> Objects:
    return Objects(resolve_endpoints(platform.settings))


def manifest(story: Story) -> Manifest:
    """Return the manifest of the story's backup."""
    found = re.search(r"backup (\d{8}T\d{6}Z) in", story.backup.stdout)
    assert found is not None
    return catalogue.manifest_of(objects_of(story.platform), found[1])


def write_manifest(objects: Objects, said: Manifest) -> None:
    key = key_of(said.name, MANIFEST)
    objects.replace(key, said.to_json().encode(), objects.version(key))


def remove(platform: Platform, name: str) -> None:
    """Remove a backup that only one test has looked at."""
    objects = objects_of(platform)
    (holding,) = [item for item in catalogue.holdings(objects) if item.name == name]
    catalogue.remove(objects, holding)


def copy_of(objects: Objects, backup: Manifest, name: str) -> Manifest:
    """Put a copy of a backup under another name."""
    parts = []
    for part in backup.parts:
        key = key_of(name, f"{part.name}.dump")
        objects.create(key, objects.get(part.key))
        parts.append(replace(part, key=key))
    copied = replace(backup, name=name, parts=tuple(parts))
    objects.create(key_of(name, MANIFEST), copied.to_json().encode())
    return copied


def stopped_at(
    start: Run, platform: Platform, line: str, with_signal: signal.Signals, *arguments: str
) -> subprocess.Popen[str]:
    """Start a command, send a signal when it says a line, and wait for its end."""
    process = start(*arguments, environment=settings_environment(platform.settings))
    for said in process.stderr:
        if line in said:
            os.kill(process.pid, with_signal)
            break
    process.communicate(timeout=300)
    return process  # type: ignore[no-any-return]


def make_dagster(platform: Platform) -> None:
    """Stand for Dagster's storage: what is in its database is not findata's business."""
    administer(platform, f"CREATE DATABASE {database_in(dagster_url_of(platform))} STRATEGY FILE_COPY")
    with servers.connected(dagster_url_of(platform)) as connection:
        connection.execute("CREATE TABLE runs (run_id text PRIMARY KEY, status text)")
        connection.execute("INSERT INTO runs VALUES ('first', 'SUCCESS'), ('second', 'FAILURE')")


def destroy(platform: Platform) -> None:
    """Drop both databases, whoever is connected."""
    platform.close()
    for url in (url_of(platform), dagster_url_of(platform)):
        administer(platform, f"DROP DATABASE IF EXISTS {database_in(url)} WITH (FORCE)")


def administer(platform: Platform, statement: str) -> None:
    with servers.maintenance(url_of(platform)) as connection:
        connection.execute(statement.encode())


def databases(platform: Platform) -> set[str]:
    with servers.maintenance(url_of(platform)) as connection:
        return servers.databases(connection)


def left_behind(platform: Platform) -> list[str]:
    """Return databases that a restore or drill of this platform has left."""
    stems = {database_in(url_of(platform)), database_in(dagster_url_of(platform))}
    names = {servers.ending(stem, end) for stem in stems for end in servers.ENDINGS}
    return sorted(names & databases(platform))


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with servers.connected(url) as connection:
        return connection.execute(query.encode()).fetchall()
