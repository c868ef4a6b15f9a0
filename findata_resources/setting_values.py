"""The kinds of values that settings have, and when one is refused.

What belongs here: from text to a value, with the reason where it is none. What does not: the settings, their defaults,
and reading them (environment).
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from findata_core.backups.retention import parse_kept
from findata_core.quotas import parse_limits
from findata_core.retention import parse_compression, parse_retention
from findata_resources.loopback import is_loopback

SINKS = ("file", "smtp", "webhook")  # where alerts can be told


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))


def _absolute_if_any(path: Path | None) -> Path | None:
    return _absolute(path) if path else None


def _existing_file(path: Path) -> Path:
    if not _absolute(path).is_file():
        raise ValueError(f"there is no file {path}")
    return _absolute(path)


def _web_address(address: str) -> str:
    if not re.match(r"https?://[^/\s]+", address):
        raise ValueError("it must begin with http:// or https://")
    return address.rstrip("/")


def _issuer(address: str) -> str:
    """Kept to the letter, a slash at its end too: tokens name it so."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return address
    raise ValueError("it must begin with https:// (http:// only on this machine)")


def _origins(text: str) -> str:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", name)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no origin; name each as https://charts.example.com, without a path")
    return ",".join(sorted(set(names)))


def _proxies(text: str) -> str:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError(
                f"{name} is no address or network; name each as 10.0.0.1 or 10.0.0.0/8"
            ) from None
    return ",".join(names)


def _limits(text: str) -> str:
    parse_limits(text)  # it says what is wrong
    return text


def _retention(text: str) -> str:
    parse_retention(text)  # it says what is wrong
    return text


def _compression(text: str) -> str:
    parse_compression(text)
    return text


def _kept_backups(text: str) -> str:
    parse_kept(text)  # it says what is wrong
    return text


def _sinks(text: str) -> str:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return "none"
    wrong = [name for name in names if name not in SINKS]
    if wrong or not names:
        raise ValueError(f"it names {', '.join(wrong) or 'no sink'}; use {', '.join(SINKS)} or none")
    return ",".join(sorted(set(names)))


def _postgres_url(url: SecretStr) -> SecretStr:
    """Accept any spelling of the scheme; keep the plain one, to which each reader adds its driver."""
    scheme, separator, rest = url.get_secret_value().partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ValueError("it must look like postgresql://user:password@host:port/database")
    return SecretStr(f"postgresql://{rest}")


Folder = Annotated[Path, AfterValidator(_absolute)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
KeptBackups = Annotated[str, AfterValidator(_kept_backups)]
RequestLimits = Annotated[str, AfterValidator(_limits)]
RetentionDays = Annotated[str, AfterValidator(_retention)]
CompressionDays = Annotated[str, AfterValidator(_compression)]
AlertSinks = Annotated[str, AfterValidator(_sinks)]
OptionalPath = Annotated[Path | None, AfterValidator(_absolute_if_any)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
Issuer = Annotated[str, AfterValidator(_issuer)]
Origins = Annotated[str, AfterValidator(_origins)]
Proxies = Annotated[str, AfterValidator(_proxies)]
Port = Annotated[int, Field(ge=1, le=65535)]
