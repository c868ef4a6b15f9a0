"""TimescaleDB's program files: Debian 13's packages, unpacked into a private folder and run from there.

What belongs here: fetching the packages with the machine's own apt and mirror, unpacking, wrapping.
What does not: configuring and starting the server (`timescale`).

Debian 12 has no TimescaleDB. Debian 13's needs a newer C library, so each program runs under the C
library of the same folder. The machine's own apt is never touched: lists, status and cache are private,
and hooks that the machine's configuration runs after an update are switched off.
The folder can't be moved, since the wrappers name it; a marker file says that it is complete.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from findata_core.errors import StackError
from findata_resources.embedded.state import Progress, locked

INSTEAD = (
    "name a TimescaleDB of your own in FINDATA_DATABASE_URL "
    "(see .env.example; FINDATA_DEBIAN_MIRROR and FINDATA_DEBIAN_KEYRING name a Debian mirror)"
)
_SUITE = "trixie"
_RECIPE = "1"  # count up when unpacking or wrapping changes what is in the folder
_PACKAGES = """
    postgresql-17 postgresql-client-17 postgresql-17-timescaledb tzdata libc6 libgcc-s1 libstdc++6 libpq5
    libicu76 libxml2 libxslt1.1 libssl3t64 libldap2 libsasl2-2 libgssapi-krb5-2 libkrb5-3 libk5crypto3
    libkrb5support0 libcom-err2 libkeyutils1 liblz4-1 liblzma5 libzstd1 zlib1g libpam0g libaudit1
    libcap-ng0 libcap2 libsystemd0 libuuid1 libxxhash0 libreadline8t64 libtinfo6 libedit2 libgcrypt20
    libgpg-error0
""".split()
_PROGRAMS = ("initdb", "postgres", "pg_ctl", "pg_isready", "psql", "pg_dump", "pg_restore")
_ARCHIVE_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_ZONES = Path("/usr/share/zoneinfo")
# 39 MB of packages and 136 MB unpacked, twice for safety.
_NEEDED_BYTES = 350_000_000
_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Mirrors:
    """Where Debian 13 comes from; `security` is None when the machine names none."""

    main: str
    security: str | None


def unpacked(cache: Path, mirror: str | None, keyring: Path | None, progress: Progress) -> Path:
    """The folder with the programs (psql, postgres, ...); unpacked at the first call."""
    root = cache / f"timescaledb-{_SUITE}-{_recipe_hash()}"
    if not _is_complete(root):
        _make_enterable(cache)
        with locked(cache / f"{root.name}.lock", progress):
            if not _is_complete(root):
                _unpack(root, mirror, keyring, progress)
    return _programs(root)


def _unpack(root: Path, mirror: str | None, keyring: Path | None, progress: Progress) -> None:
    _require_platform(root.parent)
    shutil.rmtree(root, ignore_errors=True)
    _make_enterable(root)
    apt = root / "apt"
    _write_apt_configuration(apt, _mirrors(apt, mirror), keyring or _ARCHIVE_KEYRING)
    progress(f"database: downloading TimescaleDB, {len(_PACKAGES)} Debian packages, about 39 MB (only once)")
    _download(apt)
    progress("database: unpacking TimescaleDB")
    versions = _extract(apt, root)
    _remove_what_is_not_needed(root)
    for program in _PROGRAMS:
        _wrap(root, program)
    _marker(root).write_text(versions)


def _require_platform(cache: Path) -> None:
    reason = _unsupported_reason(cache)
    if reason:
        raise StackError(f"the embedded TimescaleDB can't run here: {reason}", INSTEAD)


def _unsupported_reason(cache: Path) -> str | None:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"it needs Linux on x86-64, this is {platform.system()} on {platform.machine()}"
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        return f"it needs Debian 12 or later, and there is no {' and no '.join(missing)}"
    if not _ZONES.is_dir():
        return f"there is no {_ZONES} (apt install tzdata)"
    if shutil.disk_usage(cache).free < _NEEDED_BYTES:
        return f"it needs {_NEEDED_BYTES // 1_000_000} MB free in {cache}"
    return None


def _mirrors(apt: Path, named: str | None) -> Mirrors:
    if named is not None:
        return Mirrors(main=named.rstrip("/"), security=None)
    configured = _configured_mirrors(apt)
    if configured is None:
        reason = "this machine's apt names no Debian mirror"
        raise StackError(f"the embedded TimescaleDB can't be unpacked: {reason}", INSTEAD)
    return configured


def _configured_mirrors(apt: Path) -> Mirrors | None:
    """The mirrors of the machine's own apt, asked without root and without an apt-get update."""
    codename = _debian_codename()
    if codename is None:
        return None
    empty = apt / "no-lists"
    empty.mkdir(parents=True)
    asked = [
        "apt-get",
        "-o",
        f"Dir::State::lists={empty}",
        "-o",
        "Debug::NoLocking=true",
        "--print-uris",
        "update",
    ]
    return choose_mirrors(_run(asked), codename)


def choose_mirrors(uris: str, codename: str) -> Mirrors | None:
    """The Debian mirrors among the index files that `apt-get --print-uris update` would fetch.

    A third party's repository may have a suite of the same codename; Debian's also has its updates.
    """
    suites = re.findall(rf"'(\S+)/dists/({codename}[a-z-]*)/InRelease'", uris)
    main = [mirror for mirror, suite in suites if suite == codename]
    updated = {mirror for mirror, suite in suites if suite == f"{codename}-updates"}
    security = [mirror for mirror, suite in suites if suite == f"{codename}-security"]
    preferred = [mirror for mirror in main if mirror in updated] or main
    return Mirrors(preferred[0], security[0] if security else None) if preferred else None


def _debian_codename() -> str | None:
    release = platform.freedesktop_os_release()
    return release.get("VERSION_CODENAME") if release.get("ID") == "debian" else None


def _write_apt_configuration(apt: Path, mirrors: Mirrors, keyring: Path) -> None:
    if not keyring.is_file():
        raise StackError(f"the Debian archive keyring {keyring} is not there", f"install it, or {INSTEAD}")
    for folder in ("lists/partial", "cache/archives/partial", "packages"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(_sources(mirrors, keyring))
    (apt / "apt.conf").write_text(_configuration(apt))


def _sources(mirrors: Mirrors, keyring: Path) -> str:
    lines = [f"deb [signed-by={keyring}] {mirrors.main} {_SUITE} main"]
    if mirrors.security:
        lines.append(f"deb [signed-by={keyring}] {mirrors.security} {_SUITE}-security main")
    return "\n".join(lines) + "\n"


def _configuration(apt: Path) -> str:
    # Clearing the hooks keeps the machine's docker-clean and the like away from its own cache.
    return f"""
Dir::Etc::sourcelist "{apt}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{apt}";
Dir::State::status "{apt}/status";
Dir::State::lists "{apt}/lists";
Dir::Cache "{apt}/cache";
Dir::Log "{apt}";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Debug::NoLocking "true";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def _download(apt: Path) -> None:
    configured = ["apt-get", "-c", str(apt / "apt.conf"), "-qq"]
    _run([*configured, "update"])
    _run([*configured, "download", *_PACKAGES], folder=apt / "packages")


def _extract(apt: Path, root: Path) -> str:
    """Unpack every package; return their names, one a line, which hold the versions."""
    packages = sorted((apt / "packages").glob("*.deb"))
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(root)])
    return "\n".join(package.name for package in packages) + "\n"


def _remove_what_is_not_needed(root: Path) -> None:
    shutil.rmtree(root / "apt")
    # Compiling queries at run time needs another 100 MB of libraries; without the file it is quietly off.
    library = root / "usr/lib/postgresql/17/lib"
    (library / "llvmjit.so").unlink(missing_ok=True)
    shutil.rmtree(library / "bitcode", ignore_errors=True)


def _wrap(root: Path, program: str) -> None:
    """Put a script in the program's place that runs it under the C library of this folder."""
    path = _programs(root) / program
    real = path.parent / ".real" / program
    real.parent.mkdir(exist_ok=True)
    real.parent.chmod(0o755)
    path.replace(real)
    libraries = root / "usr/lib/x86_64-linux-gnu"
    loader = f"'{libraries}/ld-linux-x86-64.so.2' --inhibit-cache --library-path '{libraries}'"
    path.write_text(f"#!/bin/sh\nexec {loader} --argv0 '{path}' '{real}' \"$@\"\n")
    path.chmod(0o755)


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as expired:
        raise StackError(f"{command[0]} did not end within {_TIMEOUT_SECONDS} seconds", INSTEAD) from expired
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise StackError(
            f"{command[0]} failed while unpacking TimescaleDB:\n{said}\n", f"mend that, or {INSTEAD}"
        )
    return done.stdout


def _make_enterable(folder: Path) -> None:
    """Create a folder that the database's user can read, whatever the umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def _is_complete(root: Path) -> bool:
    return _marker(root).is_file()


def _marker(root: Path) -> Path:
    return root / "complete"


def _programs(root: Path) -> Path:
    return root / "usr/lib/postgresql/17/bin"


def _recipe_hash() -> str:
    """Changes with the recipe, so that a folder of an older one is not taken for a new one."""
    recipe = " ".join([_RECIPE, _SUITE, *_PACKAGES, *_PROGRAMS])
    return hashlib.sha256(recipe.encode()).hexdigest()[:8]
