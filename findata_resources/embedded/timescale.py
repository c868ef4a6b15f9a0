"""The embedded TimescaleDB: a database folder with its own password, its configuration, its databases.

What belongs here: what is special about this server.
What does not: where its program files come from (`debian`), starting and stopping (`server`, `stack`).

PostgreSQL refuses to run as root, so root hands it to another user; everyone else runs it as themselves.
It listens on 127.0.0.1 only, has no Unix sockets, and every connection needs the generated password.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from findata_core.errors import StackError
from findata_resources.embedded.debian import unpacked
from findata_resources.embedded.processes import MARK_VARIABLE, end, processes_in
from findata_resources.embedded.state import DatabaseEndpoint, Progress, StackState, write_privately
from findata_resources.migrations.role_names import CONNECTIONS, READER

ROLE = "findata"
DATABASE = "findata"
DAGSTER_DATABASE = "findata_dagster"
_NAME = "database"


@dataclass(frozen=True)
class TimescaleServer:
    """The database server of one home."""

    home: Path
    cache: Path
    port: int
    password: str
    reader_password: str
    mirror: str | None = None
    keyring: Path | None = None

    name = _NAME
    port_variable = "FINDATA_DATABASE_PORT"
    stop_signal = signal.SIGINT  # "fast": end the sessions, write a checkpoint, exit
    ready_seconds = 120.0

    @property
    def folder(self) -> Path:
        """Owned by the user that runs the server."""
        return self.home / _NAME

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    def prepare(self, progress: Progress) -> None:
        """Unpack the programs, create the data folder once, write the configuration."""
        _require_enterable(self.home)
        _require_enterable(self.cache)
        programs = self._programs(progress)
        _make_private_folder(self.folder)
        _end_leftovers(self.data)
        if not self.data.exists():
            progress("database: creating the data folder")
            self._initialize(programs)
        _write_for_server(self.data / "findata.conf", configuration(self.port))

    def command(self) -> list[str]:
        """The server in the foreground of its own session."""
        return as_database_user([str(self._programs(_silent) / "postgres"), "-D", str(self.data)])

    def environment(self) -> dict[str, str]:
        """Nothing of the caller's: its PG* variables would change the server."""
        return {"PATH": os.defpath, "LC_ALL": "C"}

    def is_ready(self) -> bool:
        """Whether it accepts our password."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError as error:
            _refuse_foreign_password(error, self.home)
            return False
        return True

    def finish(self, state: StackState) -> None:
        """Create the two databases and the readers' login, and say where they are."""
        for database in (DATABASE, DAGSTER_DATABASE):
            self._create_database(database)
        with self._connect(DATABASE) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            self._let_readers_in(connection)
        reader = f"{READER}:{self.reader_password}@127.0.0.1:{self.port}"
        state.database = DatabaseEndpoint(
            database_url=self._url("postgresql", DATABASE),
            reader_database_url=f"postgresql://{reader}/{DATABASE}",
            # dagster-postgres with SQLAlchemy 2.1 needs the driver in the scheme: see dagster.yaml.
            dagster_database_url=self._url("postgresql+psycopg2", DAGSTER_DATABASE),
        )

    def _programs(self, progress: Progress) -> Path:
        return unpacked(self.cache, self.mirror, self.keyring, progress)

    def _initialize(self, programs: Path) -> None:
        """Run initdb beside the final folder, so that an interrupted one is never mistaken for a whole."""
        partial, password_file = self.folder / "data.partial", self.folder / "password"
        shutil.rmtree(partial, ignore_errors=True)
        _write_for_server(password_file, self.password + "\n")
        try:
            self._run_initdb(programs, partial, password_file)
        finally:
            password_file.unlink()
        with (partial / "postgresql.conf").open("a") as file:
            file.write(
                "\n# Everything that findata sets; written again at each start.\ninclude 'findata.conf'\n"
            )
        partial.rename(self.data)

    def _run_initdb(self, programs: Path, partial: Path, password_file: Path) -> None:
        initdb = f"{programs}/initdb -U {ROLE} -A scram-sha-256 -E UTF8 --locale=C --no-instructions"
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--pwfile={password_file}"]
        done = subprocess.run(
            as_database_user([*initdb.split(), *locale, "-D", str(partial)]),
            cwd=self.folder,
            env={**self.environment(), MARK_VARIABLE: f"{self.home}:{_NAME}"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"initdb failed:\n{done.stderr.strip()}\n", "mend that, then run findata up")

    def _create_database(self, database: str) -> None:
        with self._connect("postgres", autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [database]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))

    def _let_readers_in(self, connection: psycopg.Connection) -> None:
        """Give the readers' role a password, and nothing to connect to but findata's own database.

        What the role may do there is a migration's business (migrations/roles.py).
        """
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [READER]).fetchone() is None:
            connection.execute(f"CREATE ROLE {READER} CONNECTION LIMIT {CONNECTIONS}")
        let_in = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        connection.execute(let_in.format(sql.Identifier(READER), sql.Literal(self.reader_password)))
        for other in (DAGSTER_DATABASE, "postgres", "template1"):
            connection.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {other} FROM PUBLIC")

    def _connect(self, database: str, *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(self._url("postgresql", database), autocommit=autocommit, connect_timeout=5)

    def _url(self, scheme: str, database: str) -> str:
        return f"{scheme}://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"


def configuration(port: int) -> str:
    """What findata sets; everything else stays as PostgreSQL has it (fsync on)."""
    return f"""
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 60
shared_buffers = 256MB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
# A query over many chunks locks each of them.
max_locks_per_transaction = 256
# One launcher, one scheduler for each database (tests make many) and parallel workers.
timescaledb.max_background_workers = 16
max_worker_processes = 32
"""


def as_database_user(command: list[str]) -> list[str]:
    """The same command; as root under the user that runs the database."""
    if os.geteuid() != 0:
        return command
    user = database_user()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command]


def database_user() -> pwd.struct_passwd:
    """The user that root hands the database to: `postgres` where the machine has it, else `nobody`."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _require_enterable(folder: Path) -> None:
    """Refuse a folder that the database's user could not reach, with the name of what is in the way."""
    closed = [parent for parent in (folder, *folder.parents) if parent.exists() and not _may_enter(parent)]
    if os.geteuid() == 0 and closed:
        message = f"the database runs as user {database_user().pw_name}, who can't enter {closed[-1]}"
        raise StackError(message, "choose other folders with FINDATA_HOME and FINDATA_CACHE")


def _may_enter(folder: Path) -> bool:
    return bool(folder.stat().st_mode & 0o001)


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    _hand_over(folder)


def _write_for_server(path: Path, text: str) -> None:
    write_privately(path, text)
    _hand_over(path)


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        user = database_user()
        os.chown(path, user.pw_uid, user.pw_gid)


def _end_leftovers(data: Path) -> None:
    """After kill -9: end what still works in the data folder, then drop the stale lock file.

    PostgreSQL's own check believes a reused process number; every process of a server has the data folder
    as its working directory, so that none there means none at all.
    """
    end(processes_in(data), first_signal=signal.SIGQUIT, patience_seconds=20.0)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _refuse_foreign_password(error: psycopg.OperationalError, home: Path) -> None:
    if "password authentication failed" in str(error):
        message = f"the database in {home} was created with another password than {home}/secrets.json has"
        raise StackError(
            message, f"put the right secrets.json back, or remove {home} to start afresh"
        ) from error


def _silent(_message: str) -> None:
    """Nothing to tell: the programs are already unpacked when the command is asked for."""
