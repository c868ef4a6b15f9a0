"""A real OpenID Connect provider (oidc-provider on node) on a free port of the loopback.

What belongs here: installing it into the cache, starting, asking for tokens, ending. What does not: expectations (the tests).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

from findata_resources.embedded.processes import free_ports
from findata_resources.environment import load_settings
from tests.monitoring.programs import REQUIRED, running
from tests.serving.auth.tampered import Signer

SOURCE = Path(__file__).parent / "provider"
FILES = ("package.json", "package-lock.json", "provider.mjs")
AUDIENCE = "https://findata.example"
CLIENT, SECRET = "charts", "a-secret-of-the-tests-alone-000000"
INSTALL_SECONDS = 240


def node() -> str:
    """Return where node is; skip, or fail where programs are required, if it or npm is not installed."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        lacking("node and npm are not installed (apt-get install nodejs npm)")
    return found


def lacking(reason: str) -> NoReturn:
    """Skip, or fail where programs are required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def installed() -> Path:
    """Return the folder with the provider and what it needs; it is filled once for each lock file."""
    contents = b"".join((SOURCE / name).read_bytes() for name in FILES)
    cache = load_settings(_env_file=None).cache
    folder = cache / f"test-provider-{hashlib.sha256(contents).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="test-provider-", dir=cache))
    for name in FILES:
        shutil.copyfile(SOURCE / name, making / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    ended = subprocess.run(
        command, cwd=making, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if ended.returncode:
        shutil.rmtree(making)
        lacking(f"npm ci could not install the provider: {ended.stderr[-500:]}")
    if folder.is_dir():  # another process was faster
        shutil.rmtree(making)
    else:
        making.rename(folder)
    return folder


@dataclass(frozen=True)
class Provider:
    """A provider that runs. Its keys are known here: tokens can be made that it never made."""

    address: str

    def token(self, scope: str = "read:market") -> str:
        """Ask for a token as a program does (client credentials)."""
        answer = httpx.post(
            f"{self.address}/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(CLIENT, SECRET),
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return str(answer.json()["access_token"])


@contextmanager
def provider(port: int, signers: Sequence[Signer], folder: Path) -> Iterator[Provider]:
    """Run a provider with these keys until the end of the block; it signs with the first."""
    program, place = node(), installed()
    told: dict[str, Any] = {
        "port": port,
        "audience": AUDIENCE,
        "keys": [signer.private_jwk() for signer in signers],
        "clients": [{"id": CLIENT, "secret": SECRET, "scope": "read:market read:rates admin"}],
    }
    configuration = folder / f"provider-{port}.json"
    configuration.write_text(json.dumps(told))
    address = f"http://127.0.0.1:{port}"
    command = [program, str(place / "provider.mjs"), str(configuration)]
    ready = f"{address}/.well-known/openid-configuration"
    with running(command, folder / f"provider-{port}.log", ready, {}):
        yield Provider(address)


def free_port() -> int:
    """Return a port for a provider."""
    return free_ports(1)[0]
