"""Dumps as streams: pg_dump to S3, S3 to pg_restore; no file between, whatever the size.

A dump is hashed as it passes. The upload is a multipart one that is given up when pg_dump fails; a restore reads in
ranges, so that a broken connection costs a range and not the whole.

What belongs here: the two processes. What does not: which databases (servers), what a backup is (findata_core/backups).
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from findata_core.backups.manifest import Part
from findata_core.errors import FindataError, NotEqual, StoreError
from findata_resources.backups.programs import connection_environment, database_in, major_in
from findata_resources.stores.objects import Objects

BLOCK_BYTES = 8 * 1024 * 1024  # of a multipart upload (S3 takes 5 MB or more) and of a range
# Fast rather than small: pg_dump, the database and the upload share the processor.
COMPRESSION = {True: "zstd:1", False: "gzip:1"}
_FIRST_WITH_ZSTD = 16
# A restore commits a thousand times, and half of it would be waiting for the disk. What takes its place by renaming
# waits then: that commit is on the disk with all before it.
_OPTIONS = "-c synchronous_commit=off"
_LINES_SHOWN = 3


@dataclass
class Passed:
    """What has passed: bytes, and the sha256 over them."""

    size_bytes: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self._hash = hashlib.sha256()

    def add(self, block: bytes) -> None:
        """Count and hash a block."""
        self.size_bytes += len(block)
        self._hash.update(block)

    @property
    def sha256(self) -> str:
        """The hash of all blocks so far."""
        return self._hash.hexdigest()


def upload_dump(objects: Objects, key: str, programs: Path, database_url: str, snapshot: str) -> Passed:
    """Dump a database as it is in a snapshot to an object; nothing is left of one that fails."""
    passed = Passed()
    arguments = [str(programs / "pg_dump"), "--format=custom", f"--snapshot={snapshot}", "--no-password"]
    arguments.append(f"--compress={COMPRESSION[_has_zstd(programs)]}")
    with closing(_blocks_of(arguments, database_url, passed)) as blocks:
        objects.put_stream(key, blocks, BLOCK_BYTES)
    return passed


def restore_dump(objects: Objects, part: Part, programs: Path, database_url: str) -> None:
    """Restore an object into an empty database; NotEqual where it has other bytes than were written."""
    passed = Passed()
    arguments = [str(programs / "pg_restore"), "--no-owner", "--no-privileges", "--exit-on-error"]
    # It does not take the database from the environment: without --dbname it writes a script.
    arguments += ["--no-password", f"--dbname={database_in(database_url)}"]
    blocks = objects.ranges(part.key, part.size_bytes, BLOCK_BYTES)
    with _running(arguments, database_url, stdin=subprocess.PIPE) as (process, said):
        assert process.stdin is not None
        taken = _feed(process.stdin, blocks, passed)
        for block in blocks:  # pg_restore ended early: what is left says whether the object is to blame
            passed.add(block)
        status = process.wait()
        if passed.sha256 != part.sha256:
            raise _damaged(part)
        if status != 0 or not taken:
            raise _failed("pg_restore", said, status)


def _feed(pipe: IO[bytes], blocks: Iterator[bytes], passed: Passed) -> bool:
    """Write blocks to a process; tell whether it took them all."""
    try:
        for block in blocks:
            passed.add(block)
            pipe.write(block)
        pipe.close()
    except BrokenPipeError:
        return False
    return True


def _blocks_of(arguments: Sequence[str], database_url: str, passed: Passed) -> Generator[bytes]:
    with _running(arguments, database_url, stdout=subprocess.PIPE) as (process, said):
        assert process.stdout is not None
        while block := process.stdout.read(BLOCK_BYTES):
            passed.add(block)
            yield block
        status = process.wait()
        if status != 0:
            raise _failed("pg_dump", said, status)


@contextmanager
def _running(
    arguments: Sequence[str], database_url: str, *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Yield a process and what it says on standard error; it is ended with the block, however that ends."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=said,
            env=connection_environment(database_url, application_name="findata", options=_OPTIONS),
            start_new_session=True,  # Ctrl-C is for findata, which ends it and says what that means
        )
        try:
            yield process, said
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None and not pipe.closed:
                    _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # what was still to be written has nobody to read it
        pipe.close()


def _has_zstd(programs: Path) -> bool:
    return major_in(programs) >= _FIRST_WITH_ZSTD


def _failed(program: str, said: IO[bytes], status: int) -> FindataError:
    said.seek(0)
    lines = [line for line in said.read().decode(errors="replace").splitlines() if "warning:" not in line]
    told = " / ".join(line.strip() for line in lines if "error:" in line) or " / ".join(lines[-_LINES_SHOWN:])
    if "No space left on device" in told or "could not extend file" in told:
        return StoreError(
            f"The disk of the database is full: {told}",
            "Free space, then run the same command again: what it has begun is begun anew",
        )
    return StoreError(
        f"{program} failed (status {status}): {told or 'it said nothing'}",
        "Mend what it says, then run the same command again; see findata doctor",
    )


def _damaged(part: Part) -> NotEqual:
    return NotEqual(
        f"{part.key} has other bytes than were written: its sha256 is not the manifest's",
        "Restore another backup (findata backup list), or make everything from raw: findata migrate, then "
        "findata rebuild",
    )
