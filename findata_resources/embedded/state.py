"""What the embedded stack remembers between commands: its folder, its running servers, its secrets.

What belongs here: the files of `<home>` that findata itself writes, and the lock around them.
What does not: what the servers write, and deciding what to start (`stack`).

    <home>/stack.json     the running servers and where they answer (mode 0600)
    <home>/secrets.json   generated once: passwords, keys, internal ports (mode 0600)
    <home>/stack.lock     held by the one command that starts or stops servers
    <home>/logs/          a file per server
    <home>/database/ objects/ dagster/
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, Field, ValidationError

from findata_core.errors import StackError
from findata_resources.embedded.processes import ProcessRecord

Progress = Callable[[str], None]

_LOCK_PATIENCE_SECONDS = 300.0


class DatabaseEndpoint(BaseModel):
    """Where the embedded TimescaleDB answers."""

    database_url: str
    dagster_database_url: str
    reader_database_url: str | None = None  # a server that an older findata started has none


class ObjectsEndpoint(BaseModel):
    """Where the embedded S3 server answers."""

    s3_endpoint: str
    s3_bucket: str
    s3_access_key: str
    s3_secret_key: str
    s3_region: str


class RunningServer(BaseModel):
    """A server that was started.

    `port` is None for one without a port; `is_finished` turns true when what belongs inside it exists.
    """

    process: ProcessRecord
    port: int | None = None
    is_finished: bool = False


class StackState(BaseModel):
    """The content of stack.json."""

    servers: dict[str, RunningServer] = Field(default_factory=dict)
    database: DatabaseEndpoint | None = None
    objects: ObjectsEndpoint | None = None

    def is_running(self, server: str) -> bool:
        """Whether the recorded process of `server` is alive."""
        return server in self.servers and self.servers[server].process.is_running


class StackSecrets(BaseModel):
    """The content of secrets.json: generated once per home, kept across `findata down`."""

    database_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    reader_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    s3_access_key: str = Field(default_factory=lambda: secrets.token_hex(10))
    s3_secret_key: str = Field(default_factory=lambda: secrets.token_urlsafe(30))
    s3_internal_key: str = Field(default_factory=lambda: secrets.token_urlsafe(30))
    s3_internal_ports: list[int] = Field(default_factory=list)


def read_state(home: Path) -> StackState:
    """The recorded state; an empty one when there is none or it can't be read as one.

    A damaged file is not an error: servers that it no longer names are found by their mark.
    """
    try:
        return StackState.model_validate_json((home / "stack.json").read_text())
    except (FileNotFoundError, ValidationError):
        return StackState()


def write_state(home: Path, state: StackState) -> None:
    """Record the state."""
    write_privately(home / "stack.json", state.model_dump_json(indent=2))


def read_secrets(home: Path) -> StackSecrets:
    """The generated secrets of this home; they are generated at the first call that asks for them."""
    path = home / "secrets.json"
    values = StackSecrets.model_validate_json(path.read_text()) if path.exists() else StackSecrets()
    if not path.exists() or values.model_fields_set != set(StackSecrets.model_fields):
        write_secrets(home, values)
    return values


def write_secrets(home: Path, values: StackSecrets) -> None:
    """Record the secrets."""
    write_privately(home / "secrets.json", values.model_dump_json(indent=2))


def write_privately(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def make_home(home: Path) -> None:
    """Create the folder and its logs. Others may pass through it (the database's user), not list it."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    (home / "logs").mkdir(mode=0o700, exist_ok=True)


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file `path`; wait for the command that holds it, then give up with a StackError."""
    with path.open("a") as file:
        if not _try_lock(file):
            progress(f"waiting for another findata command that holds {path}")
            _wait_for_lock(file, path)
        yield


def _wait_for_lock(file: IO[str], path: Path) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while not _try_lock(file):
        if time.monotonic() > deadline:
            message = f"another command has held {path} for {_LOCK_PATIENCE_SECONDS:.0f} seconds"
            raise StackError(message, "end that findata command, then run this one again")
        time.sleep(0.1)


def _try_lock(file: IO[str]) -> bool:
    # The kernel lets go of the lock when its holder ends, however it ends: it can't become stale.
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
