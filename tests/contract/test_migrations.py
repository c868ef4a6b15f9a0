"""Consumers' queries answer the same before and after every migration, whatever becomes of the storage."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from findata_core.errors import StoreError
from findata_resources.embedded.processes import wait_until
from findata_resources.environment import PROJECT
from findata_resources.migrations import migrate as migrating
from findata_resources.migrations.migrate import locked, migrate, upgrade
from findata_resources.migrations.roles import grant
from findata_resources.migrations.view_sources import SOURCES
from findata_resources.migrations.views import create_views, drop_views
from tests.contract.conftest import MakeDatabase
from tests.contract.storage import add_good_rows, answers, bring_to, execute, reading, revisions

PATIENCE_SECONDS = 60.0


def test_every_consumers_query_answers_the_same_before_and_after_each_migration(first_storage: str) -> None:
    before = answers(first_storage)

    assert len(before) >= 12
    assert [name for name, rows in before.items() if not rows] == []
    for revision in revisions()[1:]:
        bring_to(first_storage, revision)
        assert answers(first_storage) == before, f"a query answers otherwise since migration {revision}"


def test_a_column_renamed_in_the_storage_by_expand_and_contract_keeps_its_name_in_the_views(
    first_storage: str,
) -> None:
    before = answers(first_storage)
    candles, weeks, months = SOURCES["candles"]
    renamed = replace(candles, columns={**candles.columns, "volume": "t.traded_shares"})
    contracted = {**SOURCES, **dict.fromkeys(("candles", "latest_candles"), (renamed, weeks, months))}

    with locked(first_storage) as connection:  # expand: the new column is filled beside the old one
        connection.exec_driver_sql("ALTER TABLE market.candles ADD COLUMN traded_shares bigint")
        connection.exec_driver_sql("UPDATE market.candles SET traded_shares = volume")
        connection.commit()
    expanded = answers(first_storage)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        execute(first_storage, "ALTER TABLE market.candles DROP COLUMN volume")
    with locked(
        first_storage
    ) as connection:  # contract: the old one goes, in one transaction with the new views
        drop_views(connection)
        connection.exec_driver_sql("ALTER TABLE market.candles DROP COLUMN volume")
        create_views(connection, contracted)
        grant(connection)
        connection.commit()

    assert before["candles_grafana"][0][-1] > 0
    assert expanded == before
    assert answers(first_storage) == before


def test_who_reads_during_a_migration_waits_and_never_finds_a_view_missing(
    make_database: MakeDatabase,
) -> None:
    url = make_database()
    migrate(url)
    add_good_rows(url)
    counted: list[object] = []
    stop = threading.Event()

    def read() -> None:
        with reading(url) as connection:
            connection.autocommit = True
            while not stop.is_set():
                query = b"SELECT count(*), (SELECT count(*) FROM v1.bars_as_of(now())) FROM v1.candles"
                counted.append(connection.execute(query).fetchone())

    def reads_again() -> bool:
        before = len(counted)
        return wait_until(lambda: len(counted) > before, PATIENCE_SECONDS)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(5):
            assert reads_again()  # however slowly it comes to it
            with locked(url) as connection:
                upgrade(connection)
                grant(connection)
                connection.commit()
        assert reads_again()
    finally:
        stop.set()
        reader.join()

    assert len(counted) > 5
    assert set(counted) == {(3, 2)}


def test_a_migrate_that_has_nothing_to_do_waits_for_no_reader(make_database: MakeDatabase) -> None:
    url = make_database()
    migrate(url)

    with reading(url) as connection:
        connection.execute(b"SELECT FROM v1.candles")  # holds the view until the transaction ends
        execute(url, "ALTER DATABASE {} SET lock_timeout = '2s'".format(url.rpartition("/")[2]))
        before, after = migrate(url)

    assert before == after


def test_a_migration_lets_readers_through_while_one_of_them_holds_a_view(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database()
    migrate(url)
    monkeypatch.setattr(migrating, "LOCK_WAIT", "20ms")
    monkeypatch.setattr(migrating, "TRIES", 3)

    with reading(url) as long, locked(url) as connection:
        long.execute(b"SELECT FROM v1.candles")
        with pytest.raises(StoreError, match="Readers hold the views"):
            upgrade(connection)
        with reading(url) as other:
            assert other.execute(b"SELECT count(*) FROM v1.rates").fetchone() == (0,)
        long.rollback()
        upgrade(connection)
        connection.commit()


def test_a_view_of_somebody_elses_on_a_view_of_v1_is_named_before_anything_is_dropped(
    make_database: MakeDatabase,
) -> None:
    url = make_database()
    migrate(url)
    execute(url, "CREATE SCHEMA mine; CREATE VIEW mine.closes AS SELECT close FROM v1.candles")

    with locked(url) as connection, pytest.raises(StoreError, match=r"mine\.closes.*make it again"):
        drop_views(connection)

    assert migrate(url)[0] == migrate(url)[1]  # which nothing new has to be done for


def test_views_that_somebody_has_changed_are_made_again(make_database: MakeDatabase) -> None:
    url = make_database()
    migrate(url)
    execute(url, "DROP VIEW v1.rates")
    migrate(url)

    with reading(url) as connection:
        assert connection.execute(b"SELECT count(*) FROM v1.rates").fetchone() == (0,)


def test_two_migrates_of_two_databases_of_one_server_make_the_roles_once(make_database: MakeDatabase) -> None:
    urls = [make_database() for _ in range(3)]
    command = "import sys; from findata_resources.migrations.migrate import migrate; migrate(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", command, url], cwd=PROJECT, stderr=subprocess.PIPE)
        for url in urls
    ]
    said = [process.communicate(timeout=300)[1] for process in started]

    assert said == [b""] * 3
    for url in urls:
        with locked(url) as connection:
            assert connection.scalar(
                sa.text("SELECT has_table_privilege('findata_reader', 'v1.bars', 'SELECT')")
            )
