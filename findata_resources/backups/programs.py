"""pg_dump and pg_restore: which ones, and how they are told where to connect without showing a password.

What belongs here: finding and addressing the programs. What does not: what they write and read (dumps).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from findata_core.errors import ConfigurationError, StackError
from findata_resources.embedded.debian import unpacked
from findata_resources.embedded.state import Progress
from findata_resources.environment import Settings, child_environment

_DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps each version's programs beside each other
# libpq's parameters whose environment variable is not PG and the name (its manual, "Environment Variables").
_VARIABLES = {
    "dbname": "PGDATABASE",
    "application_name": "PGAPPNAME",
    "fallback_application_name": "PGAPPNAME",
}


def client_programs(settings: Settings, server_major: int, progress: Progress) -> Path:
    """Return a folder with pg_dump and pg_restore of the server's major version or a later one.

    With the embedded server its own; otherwise the machine's, and the embedded ones where the machine's are older.
    """
    if settings.database_url is not None:
        for folder in _of_the_machine():
            if major_in(folder) >= server_major:
                return folder
    try:
        folder = unpacked(settings.cache, settings.debian_mirror, settings.debian_keyring, progress)
    except StackError as error:
        raise _none(server_major, error.message) from error
    if major_in(folder) < server_major:
        raise _none(server_major, f"the embedded ones are of version {major_in(folder)}")
    return folder


def database_in(database_url: str) -> str:
    """Return the name of the database that a URL leads to."""
    said = conninfo_to_dict(plain(database_url))
    return str(said.get("dbname") or said.get("user") or "")


def plain(database_url: str) -> str:
    """Return the URL without SQLAlchemy's driver, as libpq takes it."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)


def connection_environment(database_url: str, **further: str) -> dict[str, str]:
    """Return the environment that leads a PostgreSQL program to a database: nothing of it is in its arguments.

    `further`: more of libpq's parameters, by name, where the URL does not have them.
    """
    said = {**further, **conninfo_to_dict(plain(database_url))}
    named = {
        _VARIABLES.get(name, "PG" + name.upper().replace("_", "")): value for name, value in said.items()
    }
    return child_environment({name: str(value) for name, value in named.items()})


def _of_the_machine() -> Iterator[Path]:
    """Yield the folders of the machine's programs, the one on PATH first, then the newest."""
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    versions = [item for item in _DEBIAN.glob("*/bin") if (item / "pg_dump").is_file()]
    yield from sorted(versions, key=major_in, reverse=True)


def major_in(folder: Path) -> int:
    """Return the major version of the programs of a folder, 0 where both do not run."""
    majors = [_major(folder / name) for name in ("pg_dump", "pg_restore")]
    return min(majors)


def _major(program: Path) -> int:
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else 0


def _none(server_major: int, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"No pg_dump and pg_restore of PostgreSQL {server_major} or later is here: {reason}",
        f"Install PostgreSQL's client programs (on Debian: postgresql-client-{server_major}) and run it again",
    )
