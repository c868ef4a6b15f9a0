"""What each role can and can't do, proven by real logins over psycopg."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from findata_core.schema.tables import table
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations import roles
from findata_resources.migrations.migrate import migrate, wanted_of_administrator
from findata_resources.migrations.role_names import LIVE_READER, WRITER
from tests.contract.conftest import MakeDatabase
from tests.contract.storage import add_good_rows, execute
from tests.schema.good_rows import GOOD_ROWS

SECRET_CLOSE = 271.828  # of a candle that is not settled: no reader of v1 may learn it
Connection = psycopg.Connection[tuple[Any, ...]]


class Logins(NamedTuple):
    """One database, and a URL of each kind of user of it."""

    owner: str
    reader: str
    live: str
    writer: str


@pytest.fixture(scope="module")
def logins(make_database: MakeDatabase, stack: tuple[Settings, Endpoints]) -> Iterator[Logins]:
    """A migrated database with good rows and a candle that is not settled; the reader's login is the embedded one."""
    owner = make_database()
    migrate(owner)
    add_good_rows(owner)
    unsettled = datetime.now(UTC) + timedelta(days=1)
    for address in ("market.candles", "market.bars"):
        row = {**GOOD_ROWS[table(address).message], "instrument_id": "LATE.XNAS", "close": SECRET_CLOSE}
        insert(owner, address, {**row, "high": 300.0, "settles_time": unsettled})
    assert stack[1].reader_database_url is not None
    reader = stack[1].reader_database_url.rpartition("/")[0] + "/" + owner.rpartition("/")[2]
    names = {role: f"test_{uuid.uuid4().hex[:8]}" for role in (LIVE_READER, WRITER)}
    for role, name in names.items():
        execute(owner, f"CREATE ROLE {name} LOGIN PASSWORD 'test' IN ROLE {role}")
    server = owner.rpartition("@")[2]
    urls = {role: f"postgresql://{name}:test@{server}" for role, name in names.items()}
    yield Logins(owner, reader, urls[LIVE_READER], urls[WRITER])
    for name in names.values():
        execute(owner, f"DROP ROLE {name}")


def insert(url: str, address: str, row: dict[str, Any]) -> None:
    """Put a row into a table."""
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join([sql.Placeholder()] * len(row))
    target = sql.Identifier(*address.split("."))
    with psycopg.connect(url) as connection:
        connection.execute(
            sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(target, names, places), list(row.values())
        )


def asked(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements one after another in a session that has lifted its own limits; return the last one's rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"SET default_transaction_read_only = off")
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


WRITES = [
    "INSERT INTO v1.rates (rate, source, observation_date) VALUES ('X', 'x', '2022-01-03')",
    "UPDATE v1.rates SET rate_percent = 0",
    "DELETE FROM v1.rates",
    "UPDATE v1.instruments SET symbol = 'X'",
    "INSERT INTO market.candles SELECT * FROM market.candles",
    "TRUNCATE rates.rates",
    "MERGE INTO v1.rates USING (SELECT) AS x ON true WHEN MATCHED THEN DELETE",
    "CREATE TABLE mine (n int)",
    "CREATE TABLE public.mine (n int)",
    "CREATE TABLE v1.mine (n int)",
    "CREATE TEMP TABLE mine (n int)",
    "CREATE TEMP VIEW mine AS SELECT 1",
    "SELECT 1 AS n INTO TEMP mine",
    "CREATE SCHEMA mine",
    "CREATE VIEW v1.mine AS SELECT 1",
    "CREATE OR REPLACE VIEW v1.rates AS SELECT 1",
    "DROP VIEW v1.rates",
    "ALTER VIEW v1.rates RENAME TO mine",
    "COMMENT ON VIEW v1.rates IS 'mine'",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION v1.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION pg_stat_statements",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "ALTER SYSTEM SET statement_timeout = 0",
    "ALTER ROLE findata_reader SUPERUSER",
    "GRANT findata_writer TO findata_reader",
    "COPY v1.rates TO PROGRAM 'cat > /tmp/stolen'",
    "COPY (SELECT 1) TO '/tmp/stolen'",
    "COPY rates.rates FROM STDIN",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    r"SELECT lo_from_bytea(0, '\x00')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'findata'",
    "SELECT create_hypertable('rates.rates', 'observation_date')",
    "SELECT drop_chunks('market.bars', now())",
    "SELECT add_job('pg_catalog.now', '1 hour')",
    "DO $$ BEGIN DELETE FROM rates.rates; END $$",
    "VACUUM rates.rates",
    "BEGIN; LOCK TABLE v1.rates IN ACCESS EXCLUSIVE MODE; COMMIT",
    "REFRESH MATERIALIZED VIEW v1.rates",
]
HIDDEN = [
    *(f"SELECT * FROM {name}" for name in (
        "market.candles", "market.bars", "market.bars_1d", "history.bars", "rates.rates", "signals.weekly_pivots",
        "reference.instruments", "economic.observations", "ops.payloads", "ops.quarantine", "ops.due", "v1_live.candles",
        "v1_live_versions.bars", "public.findata_version",
    )),
    "SELECT * FROM as_of.bars(now())",
    "SELECT * FROM v1_live.bars_as_of(now())",
    "SELECT * FROM economic.observations_as_of(date '2022-01-01')",
    "SELECT passwd FROM pg_shadow",
    "SELECT rolpassword FROM pg_authid",
]  # fmt: skip


@pytest.mark.parametrize("statement", WRITES)
def test_a_reader_can_not_write_anything(logins: Logins, statement: str) -> None:
    with pytest.raises(REFUSALS):
        asked(logins.reader, statement)


REFUSALS = (
    errors.InsufficientPrivilege,
    errors.FeatureNotSupported,  # TimescaleDB's community functions, which the Apache build does not have
    errors.WrongObjectType,
)


@pytest.mark.parametrize("statement", HIDDEN)
def test_a_reader_sees_no_storage_no_books_nothing_raw_and_nothing_unsettled(
    logins: Logins, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        asked(logins.reader, statement)


def test_a_reader_sees_no_chunk_of_a_table_either(logins: Logins) -> None:
    chunks = "SELECT format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks"
    names = [name for (name,) in asked(logins.owner, chunks)]
    assert names
    for name in names:
        with pytest.raises(errors.InsufficientPrivilege):
            asked(logins.reader, f"SELECT * FROM {name}")


def test_a_reader_does_not_see_the_candle_that_is_not_settled_and_a_live_reader_does(logins: Logins) -> None:
    query = "SELECT close FROM {} WHERE instrument_id = 'LATE.XNAS'"
    for view in ("v1.candles", "v1.bars", "v1_versions.bars", "v1.bars_as_of('2999-01-01')"):
        assert asked(logins.reader, query.format(view)) == []
    assert asked(logins.reader, "SELECT count(*) FROM v1.candles") == [(3,)]
    for view in ("v1_live.candles", "v1_live.bars", "v1_live.bars_as_of('2999-01-01')"):
        assert asked(logins.live, query.format(view)) == [(SECRET_CLOSE,)]
    assert asked(logins.live, "SELECT is_settled FROM v1_live.candles WHERE instrument_id = 'LATE.XNAS'") == [
        (False,)
    ]


@pytest.mark.parametrize(
    "condition",
    [
        "(close::text || ' is the close')::int = 1",
        "1 / (close - 271.828)::numeric::int > 0",
        "1 / (CASE WHEN close = 271.828 THEN 0 ELSE 1 END) = 1",
    ],
)
def test_an_error_tells_a_reader_nothing_of_a_candle_that_is_not_settled(
    logins: Logins, condition: str
) -> None:
    for view in ("v1.candles", "v1.bars", "v1_versions.bars", "v1.bars_as_of('2999-01-01')"):
        query = f"SELECT count(*) FROM {view} WHERE instrument_id = 'LATE.XNAS' AND {condition}"
        assert asked(logins.reader, query) == [(0,)]


@pytest.mark.parametrize("role", ["findata", WRITER, LIVE_READER, "pg_read_all_data"])
def test_a_reader_can_become_nobody_else(logins: Logins, role: str) -> None:
    for statement in (f"SET ROLE {role}", f"SET SESSION AUTHORIZATION {role}"):
        with pytest.raises(errors.InsufficientPrivilege):
            asked(logins.reader, statement)


def test_a_reader_reads_only_starts_in_utc_and_has_a_timeout(logins: Logins) -> None:
    with psycopg.connect(logins.reader) as connection:
        for name, value in (
            ("default_transaction_read_only", "on"),
            ("statement_timeout", "1min"),
            ("idle_in_transaction_session_timeout", "1min"),
            ("TimeZone", "UTC"),
            ("temp_file_limit", "2GB"),
        ):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)


def test_a_reader_can_lift_its_timeout_but_not_the_limit_of_temporary_files(logins: Logins) -> None:
    # PostgreSQL lets every user set statement_timeout: it protects from accidents. docs/sql.md says so.
    assert asked(logins.reader, "SET statement_timeout = 0", "SHOW statement_timeout") == [("0",)]
    with pytest.raises(errors.InsufficientPrivilege):
        asked(logins.reader, "SET temp_file_limit = -1")


def test_no_reader_can_fill_the_server_with_connections(logins: Logins) -> None:
    limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = ANY(ARRAY['findata_reader', 'findata_writer'])"
    assert sorted(asked(logins.owner, limits)) == [("findata_reader", 30), ("findata_writer", 30)]


def test_a_reader_reaches_no_other_database_of_the_embedded_server(logins: Logins) -> None:
    for other in ("findata_dagster", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(make_conninfo(logins.reader, dbname=other))


@pytest.mark.parametrize("view", ["v1.candles", "v1_live.candles", "v1_live.bars_as_of(now())"])
def test_a_live_reader_reads_both_schemas(logins: Logins, view: str) -> None:
    assert asked(logins.live, f"SELECT count(*) FROM {view}")[0][0] >= 2


@pytest.mark.parametrize(
    "statement", ["DELETE FROM v1_live.rates", "CREATE TEMP TABLE mine (n int)", "SELECT * FROM ops.due"]
)
def test_a_live_reader_can_do_no_more_than_read_them(logins: Logins, statement: str) -> None:
    with pytest.raises(REFUSALS):
        asked(logins.live, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE market.mine (n int)",
        "ALTER TABLE market.bars ADD COLUMN mine int",
        "DROP TABLE rates.rates",
        "TRUNCATE rates.rates",
        "CREATE INDEX ON rates.rates (rate)",
        "CREATE SCHEMA mine",
        "DROP VIEW v1.rates",
        "CREATE FUNCTION market.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "SET ROLE findata",
        "COPY rates.rates TO PROGRAM 'cat'",
        "UPDATE findata_version SET version_num = '0001'",
    ],
)
def test_a_writer_changes_no_tables_shape_and_gives_no_rights(logins: Logins, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        asked(logins.writer, statement)


def test_what_a_writer_grants_is_granted_to_nobody(logins: Logins) -> None:
    asked(logins.writer, "GRANT SELECT ON rates.rates TO findata_reader")  # a warning to PostgreSQL, no error
    with pytest.raises(errors.InsufficientPrivilege):
        asked(logins.reader, "SELECT * FROM rates.rates")


def test_a_user_who_may_not_make_roles_migrates_all_the_same_and_is_told_what_is_wanted(
    make_database: MakeDatabase, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server has the roles already (they belong to it): what this user can't do is become one, or close the rest.
    name, url = f"test_{uuid.uuid4().hex[:8]}", make_database()
    execute(url, "CREATE EXTENSION timescaledb")
    execute(url, f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    execute(url, f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO {name}")
    plain = f"postgresql://{name}:plain@{url.rpartition('@')[2]}"
    try:
        _, after = migrate(plain)
        wanted = wanted_of_administrator(plain)
        reader = make_conninfo(logins.reader, dbname=url.rpartition("/")[2])
        counted = asked(reader, "SELECT count(*) FROM v1.bars")
        for statement in wanted:
            execute(url, statement)
        left = wanted_of_administrator(plain)
        # On a server without any of the roles.
        monkeypatch.setattr(roles, "ROLES", ("absent_reader",))
        monkeypatch.setattr(roles, "READABLE", {"absent_reader": ("v1",)})
        again = migrate(plain)
        absent = wanted_of_administrator(plain)
    finally:
        execute(url, f"REASSIGN OWNED BY {name} TO findata; DROP OWNED BY {name}")
        execute(url, f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO findata")
        execute(url, f"DROP ROLE {name}")

    assert after is not None
    assert counted == [(0,)]
    assert f"GRANT findata_reader TO {name}" in wanted
    assert any("lo_create(oid)" in statement for statement in wanted)
    assert left == []
    assert again == (after, after)
    assert absent[0] == "CREATE ROLE absent_reader NOLOGIN CONNECTION LIMIT 30"
    assert "ALTER ROLE absent_reader SET statement_timeout = '60s'" in absent
    assert absent[-1] == f"GRANT absent_reader TO {name}"
