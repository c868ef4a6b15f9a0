"""Who may do what in the database: roles of readers, and of a writer that can do nothing else.

findata_reader       the views of v1: what is settled; it can't write anything
findata_live_reader  v1 and v1_live
findata_writer       reads and writes rows of the storage, as runs do; changes no table's shape

Roles belong to the server, not to a database: many databases share them, and several migrates may make them at once.
They are made without the right to log in: an administrator gives that, or grants them to somebody who has it. A user
who may not make roles migrates all the same and is told what an administrator must run (`wanting`).
"""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from findata_core.schema.views import LIVE, SETTLED
from findata_resources.migrations.model import schemas
from findata_resources.migrations.role_names import (
    CONNECTIONS,
    LIVE_READER,
    READER,
    STATEMENT_SECONDS,
    WRITER,
)
from findata_resources.migrations.views import VERSIONS

ROLES = (READER, LIVE_READER, WRITER)
READABLE: Mapping[str, tuple[str, ...]] = {
    READER: (SETTLED, VERSIONS[SETTLED]),
    LIVE_READER: (SETTLED, VERSIONS[SETTLED], LIVE, VERSIONS[LIVE]),
}

# What a session of a reader starts with. PostgreSQL lets everybody change these for their own session; what nobody can
# lift is the number of connections and temp_file_limit, which only a superuser can set.
_DEFAULTS: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS}s",
    "timezone": "UTC",
    "temp_file_limit": "2GB",
}
# SQLSTATE of "tuple concurrently updated": two changed one role at once.
_AT_ONCE = "XX000"
_TRIES = 20


def create_roles(connection: sa.Connection) -> None:
    """Make what is missing of the roles, as far as the user may; each in its own transaction.

    A migration may be long, and whoever migrates another database of the server would wait for its end.
    """
    for statement in _missing(connection):
        _try(connection, statement)
    connection.commit()


def grant(connection: sa.Connection) -> None:
    """Give the roles their rights in this database and take away what everybody has, in the caller's transaction."""
    there = set(connection.execute(_ROLES, {"names": list(ROLES)}).scalars())
    for statement in [*_grants(there), *(_closing(connection, there) if there else ())]:
        with connection.begin_nested() as inner:
            try:
                connection.exec_driver_sql(statement)
            except sa.exc.DBAPIError:
                inner.rollback()  # `wanting` says what is not as it should be


def wanting(connection: sa.Connection) -> list[str]:
    """Return what an administrator must run, because the user that migrates may not."""
    missing = _missing(connection)
    there = set(connection.execute(_ROLES, {"names": list(ROLES)}).scalars())
    open_still = [
        text for query, text in _EXCESS.items() if READER in there and connection.scalar(sa.text(query))
    ]
    return [*missing, *(text.format(database=_database(connection)) for text in open_still)]


def _missing(connection: sa.Connection) -> list[str]:
    """Return the statements that would make the roles what they should be; settings that are there are left alone."""
    found = {row[0]: row[1] or [] for row in connection.execute(_CONFIGURED, {"names": list(ROLES)})}
    statements = []
    for role in ROLES:
        if role not in found:
            statements.append(f"CREATE ROLE {role} NOLOGIN CONNECTION LIMIT {CONNECTIONS}")
        set_already = {text.partition("=")[0].lower() for text in found.get(role, [])}
        statements += [
            f"ALTER ROLE {role} SET {name} = '{value}'"
            for name, value in (_DEFAULTS.items() if role in READABLE else ())
            if name not in set_already
        ]
        if role not in found or not _may_become(connection, role):
            statements.append(f"GRANT {role} TO {_user(connection)}")
    return statements


def _try(connection: sa.Connection, statement: str) -> None:
    for _ in range(_TRIES):
        connection.commit()
        try:
            connection.exec_driver_sql(statement)
            connection.commit()
            return
        except sa.exc.DBAPIError as error:
            connection.rollback()
            if getattr(error.orig, "sqlstate", "") != _AT_ONCE:
                return  # there already, or not allowed: `wanting` tells the two apart


def _grants(there: set[str]) -> Iterator[str]:
    for role in (name for name in READABLE if name in there):
        for schema in READABLE[role]:
            yield f"GRANT USAGE ON SCHEMA {schema} TO {role}"
            yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    if WRITER in there:
        for schema in schemas():
            yield f"GRANT USAGE ON SCHEMA {schema} TO {WRITER}"
            yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {WRITER}"
            yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {WRITER}"


def _closing(connection: sa.Connection, there: set[str]) -> Iterator[str]:
    """Yield what takes from everybody what PostgreSQL gives everybody: temporary tables, large objects, public."""
    database = _database(connection)
    owners = connection.execute(_OWNERS, {"schemas": schemas()}).scalars()
    keepers = {*owners, *(f'"{name}"' for name in there & {WRITER})}
    yield from (f"GRANT TEMPORARY ON DATABASE {database} TO {name}" for name in sorted(keepers))
    yield from (text.format(database=database) for text in _EXCESS.values())


def _user(connection: sa.Connection) -> str:
    return str(connection.scalar(sa.text("SELECT quote_ident(current_user)")))


def _database(connection: sa.Connection) -> str:
    return str(connection.scalar(sa.text("SELECT quote_ident(current_database())")))


def _may_become(connection: sa.Connection, role: str) -> bool:
    """Tell whether the user may SET ROLE; since PostgreSQL 16 who has made a role may not by that alone."""
    version = int(str(connection.scalar(sa.text("SHOW server_version_num"))))
    right = "SET" if version >= 160_000 else "MEMBER"
    return bool(
        connection.scalar(sa.text("SELECT pg_has_role(:role, :right)"), {"role": role, "right": right})
    )


_ROLES = sa.text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)")
_CONFIGURED = sa.text("SELECT rolname, rolconfig FROM pg_roles WHERE rolname = ANY(:names)")
_OWNERS = sa.text(
    "SELECT DISTINCT quote_ident(pg_get_userbyid(nspowner)) FROM pg_namespace WHERE nspname = ANY(:schemas)"
)
# A question that is true while everybody has a right that no reader needs -> what takes it away.
_EXCESS: Mapping[str, str] = {
    f"SELECT has_database_privilege('{READER}', current_database(), 'TEMPORARY')": (
        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"
    ),
    f"SELECT has_schema_privilege('{READER}', 'public', 'CREATE')": "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    **{
        f"SELECT has_function_privilege('{READER}', 'pg_catalog.{name}', 'EXECUTE')": (
            f"REVOKE EXECUTE ON FUNCTION pg_catalog.{name} FROM PUBLIC"
        )
        for name in ("lo_creat(integer)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")
    },
}
