"""Servers that are down, refuse, or lack what is asked: one error that names the cause and the next step."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from findata_assets.steps.platform import Platform
from findata_core.errors import StoreError
from findata_resources.environment import Endpoints, Settings
from findata_resources.stores.database import Database, copy_into
from findata_resources.stores.lake import Lake, s3_resource
from findata_resources.stores.objects import Objects
from tests.conftest import MakePlatform
from tests.stores.bars import BARS, fold, observed

SERVER_DOWN = "postgresql://findata:secret@127.0.0.1:1/findata"


def told_by_both_drivers(url: str) -> list[str]:
    """What the writing and the reading connection say."""
    told = []
    with pytest.raises(StoreError) as writing, Database(url).transaction() as cursor:
        cursor.execute(b"SELECT 1")
    told.append(str(writing.value))
    with pytest.raises(StoreError) as reading:
        Database(url).frame(sql.SQL("SELECT 1 AS one"))
    return [*told, str(reading.value)]


def test_a_database_that_is_down_is_told_with_how_to_start_it() -> None:
    for text in told_by_both_drivers(SERVER_DOWN):
        assert "The database does not answer" in text
        assert "Run findata up" in text
        assert "secret" not in text


def test_a_wrong_password_is_told_with_the_setting_to_look_at(stack: tuple[Settings, Endpoints]) -> None:
    server = stack[1].database_url.rpartition("@")[2]
    for text in told_by_both_drivers(f"postgresql://findata:not-it@{server}"):
        assert "refused the password" in text
        assert "FINDATA_DATABASE_URL" in text
        assert "not-it" not in text


def test_a_database_that_does_not_exist_is_told_by_name(stack: tuple[Settings, Endpoints]) -> None:
    server = stack[1].database_url.rpartition("/")[0]
    for text in told_by_both_drivers(f"{server}/no_such_database"):
        assert "does not exist" in text
        assert "no_such_database" in text
        assert "FINDATA_DATABASE_URL" in text


def test_a_database_that_nobody_has_migrated_is_told_with_the_command(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(StoreError, match="Run findata migrate"):
        database.frame(sql.SQL("SELECT * FROM market.bars"))
    with pytest.raises(StoreError, match="Run findata migrate"), database.transaction() as cursor:
        copy_into(cursor, BARS, observed(1, {0: 10}))
    database.close()


def test_a_connection_that_the_server_has_cut_is_opened_again(platform: Platform) -> None:
    database = platform.store.database
    database.frame(sql.SQL("SELECT 1 AS one"))
    with database.transaction() as cursor:
        cursor.execute(b"SELECT 1")
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute(
            b"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            b"WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    with pytest.raises(StoreError):
        database.frame(sql.SQL("SELECT 1 AS one"))
    with pytest.raises(StoreError), database.transaction() as cursor:
        cursor.execute(b"SELECT 1")

    assert database.frame(sql.SQL("SELECT 1 AS one")).item() == 1
    assert fold(platform.store, observed(1, {0: 10})).rows_written == 1


def test_a_user_without_rights_is_told_so(platform: Platform) -> None:
    name = f"reader_{os.getpid()}"
    with psycopg.connect(platform.store.database.url, autocommit=True) as owner:
        owner.execute(
            f"CREATE ROLE {name} LOGIN PASSWORD 'plain'; GRANT USAGE ON SCHEMA market TO {name}".encode()
        )
        server = platform.store.database.url.rpartition("@")[2]
        reader = Database(f"postgresql://{name}:plain@{server}")
        try:
            with pytest.raises(StoreError, match="may not do this"):
                reader.frame(sql.SQL("SELECT * FROM market.bars"))
        finally:
            reader.close()
            owner.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def lake_at(endpoints: Endpoints) -> Lake:
    return Lake(Objects(endpoints), lambda: s3_resource(endpoints), endpoints.s3_bucket)


def told_by_objects(endpoints: Endpoints) -> list[str]:
    """What reading, writing and listing say."""
    objects, told = Objects(endpoints), []
    for ask in (
        lambda: objects.create("a/b", b"1"),
        lambda: objects.get("a/b"),
        lambda: list(objects.keys("a/")),
        lambda: lake_at(endpoints).partitions(BARS),
    ):
        with pytest.raises(StoreError) as error:
            ask()
        told.append(str(error.value))
    return told


def test_an_s3_that_is_down_is_told_with_how_to_start_it(stack: tuple[Settings, Endpoints]) -> None:
    for text in told_by_objects(replace(stack[1], s3_endpoint="http://127.0.0.1:1")):
        assert "findata up" in text


def test_wrong_keys_are_told_with_where_to_look(stack: tuple[Settings, Endpoints]) -> None:
    endpoints = replace(stack[1], s3_secret_key="not-the-key")
    for text in told_by_objects(endpoints):
        assert "keys" in text
        assert "not-the-key" not in text


def test_a_bucket_that_does_not_exist_is_told_by_name(stack: tuple[Settings, Endpoints]) -> None:
    endpoints = replace(stack[1], s3_bucket="no-such-bucket")  # SeaweedFS makes it with the first put
    for ask in (
        lambda: Objects(endpoints).get("a/b"),
        lambda: list(Objects(endpoints).keys("a/")),
        lambda: lake_at(endpoints).partitions(BARS),
    ):
        with pytest.raises(
            StoreError, match=r"no-such-bucket.*FINDATA_S3_BUCKET|no-such-bucket.*findata config"
        ):
            ask()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes that the database's user can write to."""
    folder = Path("/tmp") / f"findata-small-{os.getpid()}"
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0777", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    make_platform: MakePlatform, small_disk: Path
) -> None:
    platform = make_platform()
    place = small_disk / "space"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    subprocess.run(["chown", "postgres", str(place)], check=False)
    url, name = platform.store.database.url, f"small_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE TABLESPACE {name} LOCATION '{place}'".encode())
        owner.execute(f"ALTER TABLE market.bars SET TABLESPACE {name}".encode())
    minutes = dict.fromkeys(range(60_000), 10.0)

    with pytest.raises(StoreError, match=r"disk of the database is full.*Free space"):
        fold(platform.store, observed(1, minutes))

    assert platform.store.read(BARS).is_empty()
    assert platform.store.digests(BARS).is_empty()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(b"DROP TABLE market.bars CASCADE")
        owner.execute(f"DROP TABLESPACE {name}".encode())
