"""The two processes: what they are told, and what is made of their failures. Programs of our own stand for theirs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from findata_core.backups.manifest import Part
from findata_core.errors import ConfigurationError, NotEqual, StoreError
from findata_resources.backups import programs
from findata_resources.backups.dumps import restore_dump, upload_dump
from findata_resources.backups.programs import client_programs, connection_environment, database_in
from findata_resources.environment import load_settings
from findata_resources.stores.objects import Objects

URL = "postgresql://me:pass%20word@db.example.com:5433/numbers?sslmode=require"
BODY = b"what pg_dump wrote" * 100


class Memory:
    """Objects in memory, of which only the two streams are asked."""

    def __init__(self, **bodies: bytes) -> None:
        self.bodies = bodies

    def put_stream(self, key: str, blocks: Iterator[bytes], block_bytes: int) -> None:
        """Keep an object if all its blocks came."""
        assert block_bytes >= 5 * 1024 * 1024  # S3's least for a part of a multipart upload
        self.bodies[key] = b"".join(blocks)

    def ranges(self, key: str, size_bytes: int, block_bytes: int) -> Iterator[bytes]:
        """Yield an object, some bytes at a time."""
        del block_bytes
        for start in range(0, size_bytes, 500):
            yield self.bodies[key][start : start + 500]


def folder_of(tmp_path: Path, pg_dump: str = "", pg_restore: str = "", version: int = 17) -> Path:
    """Write programs of these lines of shell."""
    for name, lines in (("pg_dump", pg_dump), ("pg_restore", pg_restore)):
        path = tmp_path / name
        says_version = f'[ "$1" = --version ] && echo "{name} (PostgreSQL) {version}.2" && exit 0'
        path.write_text(f"#!/bin/sh\n{says_version}\n{lines}\n")
        path.chmod(0o755)
    return tmp_path


def quiet(_message: str) -> None:
    """A progress that says nothing."""


def objects(memory: Memory) -> Objects:
    return cast("Objects", memory)


def part_of(body: bytes) -> Part:
    return Part("findata", "dump", len(body), hashlib.sha256(body).hexdigest(), "", {})


def test_a_dump_is_hashed_as_it_passes(tmp_path: Path) -> None:
    memory, folder = Memory(), folder_of(tmp_path, pg_dump="printf 'all of it'")
    passed = upload_dump(objects(memory), "dump", folder, URL, "0001")
    assert memory.bodies == {"dump": b"all of it"}
    assert (passed.size_bytes, passed.sha256) == (9, hashlib.sha256(b"all of it").hexdigest())


def test_the_password_is_in_no_argument(tmp_path: Path) -> None:
    memory = Memory()
    upload_dump(
        objects(memory), "dump", folder_of(tmp_path, pg_dump='echo "$@"; echo "$PGPASSWORD"'), URL, "0001"
    )
    arguments, password = memory.bodies["dump"].decode().splitlines()
    assert password == "pass word"
    assert "pass" not in arguments.replace("--no-password", "")
    assert "--snapshot=0001" in arguments


def test_where_to_connect_is_said_by_the_environment() -> None:
    said = connection_environment(URL.replace("postgresql:", "postgresql+psycopg2:"), options="-c x=y")
    wanted = {
        "PGHOST": "db.example.com",
        "PGPORT": "5433",
        "PGUSER": "me",
        "PGPASSWORD": "pass word",
        "PGDATABASE": "numbers",
        "PGSSLMODE": "require",
        "PGOPTIONS": "-c x=y",
    }
    assert {name: said[name] for name in wanted} == wanted
    assert database_in(URL) == "numbers"


def test_a_dump_that_fails_in_the_middle_is_not_there(tmp_path: Path) -> None:
    memory = Memory()
    folder = folder_of(
        tmp_path, pg_dump="printf half; echo 'pg_dump: error: the server has gone' >&2; exit 1"
    )
    with pytest.raises(StoreError, match="the server has gone"):
        upload_dump(objects(memory), "dump", folder, URL, "0001")
    assert memory.bodies == {}


def test_a_restore_reads_all_of_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, pg_restore=f"cat > {tmp_path}/read")
    restore_dump(objects(Memory(dump=BODY)), part_of(BODY), folder, URL)
    assert (tmp_path / "read").read_bytes() == BODY


def test_a_full_disk_is_said_and_what_to_do(tmp_path: Path) -> None:
    said = 'pg_restore: error: could not execute query: ERROR:  could not extend file \\"base/1/2\\": No space left on device'
    folder = folder_of(tmp_path, pg_restore=f'head -c 10 > /dev/null; echo "{said}" >&2; exit 1')
    with pytest.raises(StoreError, match="The disk of the database is full") as error:
        restore_dump(objects(Memory(dump=BODY)), part_of(BODY), folder, URL)
    assert "run the same command again" in error.value.next_step


@pytest.mark.parametrize("last", ["cat > /dev/null", "exit 1", "head -c 10 > /dev/null; exit 1"])
def test_other_bytes_than_were_written_are_named_whatever_pg_restore_made_of_them(
    tmp_path: Path, last: str
) -> None:
    changed = BODY[:-1] + b"!"
    with pytest.raises(NotEqual, match="dump has other bytes than were written"):
        restore_dump(objects(Memory(dump=changed)), part_of(BODY), folder_of(tmp_path, pg_restore=last), URL)


def test_pg_restore_that_ends_well_and_early_has_not_restored(tmp_path: Path) -> None:
    large = BODY * 1_000  # more than a pipe takes
    with pytest.raises(StoreError, match="pg_restore failed"):
        restore_dump(
            objects(Memory(dump=large)), part_of(large), folder_of(tmp_path, pg_restore="exit 0"), URL
        )


@pytest.fixture
def without_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without programs of PostgreSQL's, but for those that a test puts on PATH."""
    monkeypatch.setattr(programs, "_DEBIAN", Path("/nowhere"))


def settings_of(tmp_path: Path, **further: Any) -> Any:
    return load_settings(database_url=URL, home=tmp_path, _env_file=None, **further)


@pytest.mark.usefixtures("without_machine")
def test_the_machines_own_programs_are_taken_if_they_are_no_older_than_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path, version=18)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert client_programs(settings_of(tmp_path), 17, quiet) == folder


@pytest.mark.usefixtures("without_machine")
def test_without_programs_of_the_servers_version_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, embedded = tmp_path / "older", tmp_path / "embedded"
    for folder, version in ((older, 15), (embedded, 17)):
        folder.mkdir()
        folder_of(folder, version=version)
    monkeypatch.setenv("PATH", f"{older}:/usr/bin:/bin")
    monkeypatch.setattr(programs, "unpacked", lambda *_: embedded)
    assert client_programs(settings_of(tmp_path), 16, quiet) == embedded
    with pytest.raises(ConfigurationError, match="of PostgreSQL 18 or later") as error:
        client_programs(settings_of(tmp_path), 18, quiet)
    assert "postgresql-client-18" in error.value.next_step
