"""Bring a database to the contract, one migration at a time, and say how it differs from it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrationScript
from alembic.script import Script, ScriptDirectory

from findata_core.errors import StoreError
from findata_resources.migrations.functions import contract_is_ahead, create_as_of_functions
from findata_resources.migrations.model import metadata, schemas
from findata_resources.migrations.operations import add_timescale
from findata_resources.migrations.roles import create_roles, grant, wanting
from findata_resources.migrations.views import are_current, create_views, drop_views

MIGRATION_LOCK = 0x66696E64617461  # "findata" in ASCII: the advisory lock that two migrates share
VERSION_TABLE = "findata_version"
LOCK_WAIT, TRIES = "2s", 45  # for readers to let go of the views: longer than a reader's statement may take
_LOCK_TAKEN = "55P03"


def migrate(database_url: str) -> tuple[str | None, str | None]:
    """Upgrade to the newest revision under an advisory lock; return the revision before and after.

    Two migrates at once are safe: the second waits and finds nothing to do.
    """
    with locked(database_url) as connection:
        before = revision(connection)
        create_extension(connection)
        create_roles(connection)
        if before != known_revisions()[0] or not (are_current(connection) or contract_is_ahead(connection)):
            upgrade(connection)
        create_as_of_functions(connection)
        grant(connection)
        connection.commit()
        return before, revision(connection)


def upgrade(connection: sa.Connection, target: str = "head") -> None:
    """Bring the storage to a revision and make the views anew, in one transaction that the caller commits.

    Readers wait for its end, or read what was there before: no view is ever missing.
    """
    _take_views_away(connection)
    command.upgrade(alembic_config(connection), target)
    if not contract_is_ahead(connection):
        create_views(connection)


def _take_views_away(connection: sa.Connection) -> None:
    """Drop the views once nobody reads them; StoreError where somebody keeps them.

    Who waits for a lock has all who come later wait behind: so it waits a little, lets them through, and tries again.
    """
    for _ in range(TRIES):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        try:
            drop_views(connection)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", "") != _LOCK_TAKEN:
                raise
            connection.rollback()
            continue
        connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")
        return
    raise StoreError(
        "Readers hold the views of v1 in transactions that do not end",
        "End them (findata sql --owner 'SELECT * FROM pg_stat_activity'), then run findata migrate again",
    )


def wanted_of_administrator(database_url: str) -> list[str]:
    """Return the statements that an administrator must run for roles and rights, because the user here may not."""
    with connected(database_url) as connection:
        return wanting(connection)


def create_extension(connection: sa.Connection) -> None:
    """Make TimescaleDB known to the database; StoreError where the server does not have it."""
    try:
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS timescaledb"))
        connection.commit()
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise StoreError(
            f"TimescaleDB can't be enabled in this database: {reason}",
            "Install it on the server, or have an administrator run CREATE EXTENSION timescaledb",
        ) from error


def write_revision(database_url: str, message: str) -> Path | None:
    """Write the next revision from the difference between a database and the contract; None if there is none.

    StoreError where the database is not at the newest revision: the difference would hold what is written already.
    """

    def complete(_: MigrationContext, __: object, scripts: list[MigrationScript]) -> None:
        for script in scripts:
            if script.upgrade_ops is not None:
                add_timescale(script.upgrade_ops, connection)
                script.downgrade_ops = script.upgrade_ops.reverse()

    if not schema_difference(database_url):
        return None
    with locked(database_url) as connection:
        config = alembic_config(connection)
        newest = ScriptDirectory.from_config(config).get_current_head()
        if revision(connection) != newest:
            raise StoreError(
                f"The database is at revision {revision(connection)}, the newest is {newest}",
                "Run findata migrate first",
            )
        script = command.revision(
            config,
            message,
            autogenerate=True,
            rev_id=f"{int(newest or 0) + 1:04}",
            process_revision_directives=complete,
        )
    assert isinstance(script, Script)
    return Path(script.path)


def schema_difference(database_url: str) -> str:
    """Return the Python of the operations that would bring the database to the contract; "" if none."""
    with connected(database_url) as connection:
        context = MigrationContext.configure(connection, opts=comparison_options())
        script: MigrationScript = produce_migrations(context, metadata())
        upgrade = script.upgrade_ops
        if upgrade is None:
            return ""
        add_timescale(upgrade, connection)
        if upgrade.is_empty():
            return ""
        return str(render_python_code(upgrade))


def comparison_options() -> dict[str, Any]:
    """Return what Alembic compares: our schemas and nothing of TimescaleDB's."""
    return {
        "target_metadata": metadata(),
        "include_schemas": True,
        "include_name": is_ours,
        "compare_type": True,
        "version_table": VERSION_TABLE,
    }


def is_ours(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    """Tell whether Alembic should look at a schema or table."""
    if kind == "schema":
        return name in schemas()
    return parents.get("schema_name") in schemas() or kind not in ("table", "schema")


def revision(connection: sa.Connection) -> str | None:
    """Return the revision that the database is at; None before the first."""
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def known_revisions() -> list[str]:
    """Return the revisions that this findata knows, the newest first; no database is asked."""
    return [script.revision for script in ScriptDirectory.from_config(_scripts()).walk_revisions()]


def alembic_config(connection: sa.Connection) -> Config:
    """Return Alembic's configuration: no ini file, the connection handed over."""
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


@contextmanager
def locked(database_url: str) -> Iterator[sa.Connection]:
    """Yield a connection that holds the migration lock until it is closed."""
    with connected(database_url) as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        yield connection


@contextmanager
def connected(database_url: str) -> Iterator[sa.Connection]:
    """Yield a connection; StoreError says what to do where there is none."""
    engine = sa.create_engine(sqlalchemy_url(database_url), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        from findata_resources.stores.database import store_error  # drivers that a migration has no use for

        cause = error.orig or error
        raise store_error(getattr(cause, "sqlstate", None), cause) from error
    finally:
        engine.dispose()


def sqlalchemy_url(database_url: str) -> str:
    """Return the URL with the driver spelt out: psycopg 3."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", database_url)
