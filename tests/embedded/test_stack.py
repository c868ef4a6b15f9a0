"""The embedded stack for real: it starts, stays, refuses strangers, survives kill -9 and stops."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from findata_core.errors import NotRunning, PortTaken, StackError
from findata_resources.embedded import stack as embedded_stack
from findata_resources.embedded.objects import s3_client
from findata_resources.embedded.processes import marked_processes, wait_until
from findata_resources.embedded.server import mark_of
from findata_resources.embedded.state import (
    StackSecrets,
    read_secrets,
    read_state,
    write_secrets,
    write_state,
)
from findata_resources.environment import Endpoints, Settings, resolve_endpoints
from tests.conftest import SettingsFor

Stack = tuple[Settings, Endpoints]
SERVERS = ("database", "objects")
PATIENCE_SECONDS = 60.0


def only_database(settings: Settings) -> Settings:
    """The same home with an S3 of one's own, so that a test starts and stops in a second."""
    named = {"s3_endpoint": "http://127.0.0.1:1", "s3_access_key": "key", "s3_secret_key": "secret"}
    return Settings.model_validate({**settings.model_dump(), **named})


def process_id(settings: Settings, server: str) -> int:
    return read_state(settings.home).servers[server].process.process_id


def runs(number: int) -> bool:
    """Whether the process runs; one that has ended and that its parent has not asked about has no command line."""
    try:
        return bool(Path(f"/proc/{number}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def servers_with_mark(home: Path, server: str) -> list[int]:
    """The marked processes that no other marked one started: PostgreSQL's children carry the mark too."""
    marked = {record.process_id for record in marked_processes(mark_of(home, server))}
    return [number for number in marked if parent_of(number) not in {None, *marked}]


def parent_of(number: int) -> int | None:
    """The parent; None for a process that has ended since it was seen, as a connection's does any time."""
    try:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def kill(settings: Settings, *servers: str) -> None:
    """Kill servers and wait until they are gone: on a busy machine a signal takes a while."""
    numbers = [process_id(settings, server) for server in servers]
    for number in numbers:
        os.kill(number, signal.SIGKILL)
    assert wait_until(lambda: not any(map(runs, numbers)), PATIENCE_SECONDS)


def listening_addresses(settings: Settings, server: str) -> set[str]:
    """The addresses on which the server's process listens, from /proc (state 0A is LISTEN)."""
    number = process_id(settings, server)
    sockets = set()
    for fd in os.listdir(f"/proc/{number}/fd"):
        with suppress(FileNotFoundError):  # a file or connection that was closed meanwhile
            sockets.add(os.readlink(f"/proc/{number}/fd/{fd}"))
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{number}/net/{table}").read_text().splitlines()[1:]
    ]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def test_the_database_has_the_extension_and_dagster_a_database_of_its_own(stack: Stack) -> None:
    _, endpoints = stack
    with psycopg.connect(endpoints.database_url) as connection:
        row = connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
        ).fetchone()
    assert row is not None
    with psycopg.connect(endpoints.dagster_database_url.replace("+psycopg2", "")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("findata_dagster",)


def test_the_database_keeps_fsync_and_utc(stack: Stack) -> None:
    """Tests turn fsync off by ALTER SYSTEM, which overrules what findata writes: there it must not be turned off."""
    _, endpoints = stack
    with psycopg.connect(endpoints.database_url) as connection:
        asked = [connection.execute(f"SHOW {name}").fetchone() for name in ("timezone", "server_encoding")]
        set_by = connection.execute("SELECT sourcefile FROM pg_file_settings WHERE name = 'fsync'").fetchall()
    assert asked == [("UTC",), ("UTF8",)]
    assert [Path(file).name for (file,) in set_by] == ["postgresql.auto.conf"]


def test_the_bucket_takes_and_gives_an_object(stack: Stack, bucket: str) -> None:
    _, endpoints = stack
    client = s3_client(
        endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key, endpoints.s3_region
    )
    client.put_object(Bucket=bucket, Key="a/b", Body=b"payload")
    assert client.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"payload"


def test_a_second_up_is_quick_and_finds_the_same_endpoints(stack: Stack) -> None:
    settings, endpoints = stack
    before = [process_id(settings, server) for server in SERVERS]
    started = time.monotonic()
    again = embedded_stack.up(settings)
    assert time.monotonic() - started < 2
    assert again == endpoints
    assert [process_id(settings, server) for server in SERVERS] == before


@pytest.mark.parametrize("password", ["wrong", ""])
def test_the_database_refuses_another_password(stack: Stack, password: str) -> None:
    settings, _ = stack
    url = f"postgresql://findata:{password}@127.0.0.1:{settings.database_port}/findata"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url)


def test_s3_refuses_another_secret_and_strangers(stack: Stack) -> None:
    _, endpoints = stack
    client = s3_client(endpoints.s3_endpoint, endpoints.s3_access_key, "wrong", endpoints.s3_region)
    with pytest.raises(client.exceptions.ClientError, match="SignatureDoesNotMatch"):
        client.list_buckets()
    assert httpx.get(f"{endpoints.s3_endpoint}/{endpoints.s3_bucket}/", trust_env=False).status_code == 403


def test_the_service_behind_s3_refuses_unsigned_requests(stack: Stack) -> None:
    settings, endpoints = stack
    secrets = (settings.home / "secrets.json").read_text()
    filer = httpx.Response(200, text=secrets).json()["s3_internal_ports"][2]
    address = f"http://127.0.0.1:{filer}/buckets/{endpoints.s3_bucket}/"
    assert httpx.get(address, trust_env=False).status_code == 401
    assert httpx.post(address + "x", content=b"x", trust_env=False).status_code == 401


@pytest.mark.parametrize("server", SERVERS)
def test_servers_listen_on_loopback_only(stack: Stack, server: str) -> None:
    settings, _ = stack
    assert listening_addresses(settings, server) == {"0100007F"}  # 127.0.0.1, bytes reversed


@pytest.mark.parametrize("name", ["stack.json", "secrets.json", "logs/database.log", "logs/objects.log"])
def test_files_with_secrets_are_their_owners_only(stack: Stack, name: str) -> None:
    settings, _ = stack
    assert stat.S_IMODE((settings.home / name).stat().st_mode) == 0o600


def test_a_home_of_an_older_findata_gets_the_secret_that_it_lacks_once(tmp_path: Path) -> None:
    write_secrets(tmp_path, StackSecrets(database_password="kept"))
    path = tmp_path / "secrets.json"
    older = json.loads(path.read_text())
    del older["reader_password"]
    path.write_text(json.dumps(older))
    first, second = read_secrets(tmp_path), read_secrets(tmp_path)
    assert (first.database_password, first) == ("kept", second)


def test_passwords_do_not_stand_in_command_lines(stack: Stack) -> None:
    settings, endpoints = stack
    urls = (endpoints.database_url, str(endpoints.reader_database_url))
    secrets = (endpoints.s3_secret_key, *(url.split(":")[2].split("@")[0] for url in urls))
    for server in SERVERS:
        command = Path(f"/proc/{process_id(settings, server)}/cmdline").read_text()
        assert not [secret for secret in secrets if secret in command]


def test_servers_run_in_sessions_of_their_own(stack: Stack) -> None:
    settings, _ = stack
    sessions = [os.getsid(process_id(settings, server)) for server in SERVERS]
    assert os.getsid(0) not in sessions


def test_status_names_what_runs(stack: Stack) -> None:
    settings, _ = stack
    running = {server.name for server in embedded_stack.status(settings) if server.is_running}
    assert running == set(SERVERS)


def test_a_taken_port_is_named_with_its_variable(home: Path, settings_for: SettingsFor) -> None:
    settings = only_database(settings_for(home))
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.database_port))
        other.listen()
        with pytest.raises(PortTaken, match=f"{settings.database_port}.*FINDATA_DATABASE_PORT"):
            embedded_stack.up(settings)


def test_kill_9_then_up_repairs(home: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(home)
    endpoints = embedded_stack.up(settings)
    with psycopg.connect(endpoints.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    kill(settings, *SERVERS)
    with pytest.raises(NotRunning, match="findata up"):
        resolve_endpoints(settings)
    assert embedded_stack.up(settings) == endpoints
    with psycopg.connect(endpoints.database_url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_server_that_was_started_but_not_recorded_is_replaced(
    home: Path, settings_for: SettingsFor
) -> None:
    settings = only_database(settings_for(home))
    embedded_stack.up(settings)
    lost = process_id(settings, "database")
    state = read_state(home)
    state.servers.clear()
    write_state(home, state)
    embedded_stack.up(settings)
    assert process_id(settings, "database") != lost
    assert servers_with_mark(home, "database") == [process_id(settings, "database")]


def test_a_lock_file_of_a_reused_process_number_is_dropped(home: Path, settings_for: SettingsFor) -> None:
    settings = only_database(settings_for(home))
    embedded_stack.up(settings)
    kill(settings, "database")
    lock = home / "database/data/postmaster.pid"
    with subprocess.Popen(["sleep", "60"], user=lock.stat().st_uid) as stranger:
        lock.write_text(f"{stranger.pid}\n" + lock.read_text().partition("\n")[2])
        embedded_stack.up(settings)
        assert stranger.poll() is None
        stranger.kill()


def test_a_record_of_another_process_is_never_signalled(home: Path, settings_for: SettingsFor) -> None:
    settings = only_database(settings_for(home))
    embedded_stack.up(settings)
    state = read_state(home)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        state.servers["database"].process.process_id = stranger.pid
        write_state(home, state)
        embedded_stack.down(settings)
        assert stranger.poll() is None
        stranger.kill()
    assert marked_processes(mark_of(home, "database")) == []


def test_down_leaves_no_process_and_keeps_the_data(home: Path, settings_for: SettingsFor) -> None:
    settings = settings_for(home)
    embedded_stack.up(settings)
    numbers = [process_id(settings, server) for server in SERVERS]
    embedded_stack.down(settings)
    assert not [server for server in SERVERS if marked_processes(mark_of(home, server))]
    assert not [number for number in numbers if runs(number)]
    assert (home / "database/data/PG_VERSION").is_file()
    with pytest.raises(NotRunning):
        resolve_endpoints(settings)


def test_down_without_anything_running_does_nothing(home: Path, settings_for: SettingsFor) -> None:
    embedded_stack.down(settings_for(home))
    assert not any(server.is_running for server in embedded_stack.status(settings_for(home)))


def test_an_interrupted_up_leaves_nothing_running(home: Path, settings_for: SettingsFor) -> None:
    settings = only_database(settings_for(home))

    def interrupt(message: str) -> None:
        if message == "database: ready on 127.0.0.1:" + str(settings.database_port):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embedded_stack.up(settings, interrupt)
    assert marked_processes(mark_of(home, "database")) == []
    embedded_stack.up(settings)


def test_a_home_that_can_not_be_written_is_explained(tmp_path: Path, settings_for: SettingsFor) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StackError, match="FINDATA_HOME"):
        embedded_stack.up(settings_for(tmp_path / "file" / "home"))


def _up_and_report(settings: Settings, results: multiprocessing.Queue[str]) -> None:
    results.put(embedded_stack.up(settings).database_url)


def test_two_ups_at_once_start_one_stack(home: Path, settings_for: SettingsFor) -> None:
    settings = only_database(settings_for(home))
    spawning = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[str] = spawning.Queue()
    both = [spawning.Process(target=_up_and_report, args=(settings, results)) for _ in range(2)]
    for process in both:
        process.start()
    assert results.get(timeout=90) == results.get(timeout=90)
    for process in both:
        process.join()
    assert servers_with_mark(home, "database") == [process_id(settings, "database")]
