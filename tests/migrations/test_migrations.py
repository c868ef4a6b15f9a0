"""Migrations on real databases: empty to the contract, twice at once, and every kind of difference."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from findata_core.errors import StoreError
from findata_core.schema.tables import Column, ColumnKind, tables
from findata_resources.environment import Endpoints, Settings
from findata_resources.migrations import migrate as migrating
from findata_resources.migrations.migrate import alembic_config, locked, migrate, revision, schema_difference
from findata_resources.migrations.model import add_table, schemas
from findata_resources.migrations.views import drop_views


@pytest.fixture
def empty_database(stack: tuple[Settings, Endpoints]) -> Iterator[str]:
    """A database without the extension."""
    url = stack[1].database_url
    name = f"test_{uuid.uuid4().hex[:12]}"
    execute(url, f"CREATE DATABASE {name}")
    yield url.rpartition("/")[0] + f"/{name}"
    execute(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrated(stack: tuple[Settings, Endpoints], migrated_template: str) -> Iterator[str]:
    url = stack[1].database_url
    name = f"test_{uuid.uuid4().hex[:12]}"
    execute(url, f"CREATE DATABASE {name} TEMPLATE {migrated_template} STRATEGY FILE_COPY")
    yield url.rpartition("/")[0] + f"/{name}"
    execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_an_empty_database_comes_to_the_contract_and_back(empty_database: str) -> None:
    before, after = migrate(empty_database)

    assert before is None
    assert schema_difference(empty_database) == ""
    assert migrate(empty_database) == (after, after)

    with locked(empty_database) as connection:
        drop_views(connection)
        command.downgrade(alembic_config(connection), "base")
        connection.commit()
        assert revision(connection) is None
        left = sa.inspect(connection).get_schema_names()

    assert set(left).isdisjoint(schemas())
    assert migrate(empty_database) == (None, after)
    assert schema_difference(empty_database) == ""


def test_the_difference_of_an_empty_database_is_the_whole_contract(empty_database: str) -> None:
    difference = schema_difference(empty_database)

    assert difference.count("op.create_table(") == len(tables())
    assert difference.count("op.create_hypertable(") == len([item for item in tables() if item.chunk_days])


def test_two_migrates_at_once_are_safe(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(migrate, [empty_database] * 4))

    before = sorted(str(old) for old, _ in results)
    newest = {new for _, new in results}
    assert before.count("None") == 1
    assert len(newest) == 1
    assert schema_difference(empty_database) == ""


def test_every_hypertable_has_the_contracts_time_column_and_chunks_and_no_second_index(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        found = connection.execute(
            "SELECT hypertable_schema || '.' || hypertable_name, column_name, "
            "extract(epoch FROM time_interval)::int / 86400 FROM timescaledb_information.dimensions ORDER BY 1"
        ).fetchall()
        indexes = connection.execute(
            b"SELECT schemaname || '.' || tablename FROM pg_indexes WHERE schemaname <> 'public' AND schemaname "
            b"NOT LIKE '\\_timescaledb%%' AND schemaname NOT LIKE 'pg\\_%%' GROUP BY 1 HAVING count(*) > 1"
        ).fetchall()

    declared = [(item.address, item.time_column, item.chunk_days) for item in tables() if item.chunk_days]
    assert found == sorted(declared)
    assert indexes == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("ALTER TABLE market.candles DROP COLUMN is_complete", ["op.add_column('candles'", "'is_complete'"]),
        ("ALTER TABLE market.bars ADD COLUMN colour text", ["op.drop_column('bars', 'colour'"]),
        ("DROP TABLE ops.coverage", ["op.create_table('coverage'"]),
        ("CREATE TABLE rates.own (number int)", ["op.drop_table('own'"]),
        ("ALTER TABLE rates.rates ALTER rate_percent TYPE real", ["op.alter_column('rates', 'rate_percent'"]),
        (
            "ALTER TABLE market.bars ALTER vwap SET NOT NULL",
            ["op.alter_column('bars', 'vwap'", "nullable=True"],
        ),
        ("COMMENT ON COLUMN market.bars.open IS 'whatever'", ["op.alter_column('bars', 'open'", "comment="]),
        (
            "CREATE TABLE market.plain (LIKE market.candles INCLUDING ALL); DROP TABLE market.candles; "
            "ALTER TABLE market.plain RENAME TO candles",
            ['op.create_hypertable("candles", "event_time", 30, schema="market")'],
        ),
    ],
)
def test_each_way_to_leave_the_contract_shows_in_the_difference(
    migrated: str, damage: str, told: list[str]
) -> None:
    with locked(migrated) as connection:
        drop_views(connection)
        connection.commit()
    execute(migrated, damage)

    difference = schema_difference(migrated)

    for words in told:
        assert words in difference


def test_nothing_of_timescaledbs_shows_even_with_chunks_there(migrated: str) -> None:
    execute(
        migrated,
        "INSERT INTO signals.pivot_signals SELECT 'A.XNAS', 'classic', 'r1', 'touch', now(), current_date, now(), "
        "'up', 1, 1, current_date, '1d', '{}', now(), now()",
    )

    assert value(migrated, "SELECT count(*) FROM timescaledb_information.chunks") == 1
    assert schema_difference(migrated) == ""


def test_a_schema_of_the_users_own_is_left_alone(migrated: str) -> None:
    execute(
        migrated, "CREATE SCHEMA mine; CREATE TABLE mine.notes (text text); CREATE TABLE public.other (n int)"
    )

    assert schema_difference(migrated) == ""


def test_one_new_field_is_exactly_one_new_column(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field = Column("auction_volume", ColumnKind.INT64, is_nullable=True, comment="Made up.", unit="shares")
    extended = sa.MetaData()
    for item in tables():
        columns = (*item.columns, field) if item.address == "market.candles" else item.columns
        add_table(extended, replace(item, columns=columns))
    monkeypatch.setattr(migrating, "metadata", lambda: extended)

    difference = schema_difference(migrated)

    assert difference.count("op.") == 1
    assert "op.add_column('candles', sa.Column('auction_volume', sa.BigInteger()" in difference
    assert "schema='market'" in difference


def test_a_user_without_rights_is_told_what_to_do(empty_database: str) -> None:
    name = f"plain_{uuid.uuid4().hex[:8]}"
    execute(empty_database, f"CREATE ROLE {name} LOGIN PASSWORD 'plain'")
    server = empty_database.rpartition("@")[2]
    plain = f"postgresql://{name}:plain@{server}"
    try:
        with pytest.raises(StoreError, match="administrator"):
            migrate(plain)
        execute(empty_database, "CREATE EXTENSION timescaledb")
        with pytest.raises(StoreError, match="The database user may not do this"):
            migrate(plain)
    finally:
        execute(empty_database, f"DROP ROLE {name}")


@pytest.mark.parametrize("question", [migrate, schema_difference])
def test_a_database_that_does_not_answer_is_told_so(question: object) -> None:
    assert callable(question)

    with pytest.raises(StoreError, match=r"does not answer.*Run findata up"):
        question("postgresql://nobody:nothing@127.0.0.1:1/nowhere")


def test_a_wrong_password_is_told_apart_from_a_database_that_is_down(
    stack: tuple[Settings, Endpoints],
) -> None:
    server = stack[1].database_url.rpartition("@")[2]

    with pytest.raises(StoreError, match="FINDATA_DATABASE_URL"):
        migrate(f"postgresql://findata:wrong@{server}")
