"""Who asked what, when, and what came of it: a line a request, and a file of what an operator must be able to
look up.

What belongs here: what is written down, and where. What does not: deciding about a request (gate).

Every request is told to the logger findata.serving.requests: with FINDATA_LOG_FORMAT=json a JSON line on
standard error, for whatever collects them. What was refused for its token, its key or its scope, and the
making and revoking of keys, also go to <home>/logs/audit.jsonl: KEPT_FILES older files of MOST_BYTES beside
it bound the disk, KEPT_PER_MINUTE lines an address how fast somebody can push out what others did. Who made
and revoked which key stands in ops.api_keys as well, for ever.

Never a token, a key, a header or the query's text is written: the path says what was asked, and the key's id
or token's subject who did.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

MOST_BYTES = 5_000_000
KEPT_FILES = 5
KEPT_PER_MINUTE = 600
LONGEST_TEXT = 300  # characters of a path or a name

requests = logging.getLogger("findata.serving.requests")


@dataclass(frozen=True)
class Asked:
    """A request that is over. `reason`: why it was refused, in words that are for operators; "" where it was not."""

    time: datetime
    who: str
    address: str
    method: str
    path: str
    status: int
    milliseconds: float
    sent_bytes: int
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """The request as a line says it."""
        told: dict[str, Any] = {
            "time": self.time.isoformat(timespec="milliseconds"),
            "who": self.who[:LONGEST_TEXT],
            "address": self.address,
            "method": self.method[:LONGEST_TEXT],
            "path": self.path[:LONGEST_TEXT],
            "status": self.status,
            "milliseconds": round(self.milliseconds, 2),
            "bytes": self.sent_bytes,
        }
        return told | ({"reason": self.reason} if self.reason else {})


class AuditFile:
    """The file of what must be looked up later. A disk that takes nothing more stops no request."""

    def __init__(self, home: Path) -> None:
        self.path = home / "logs" / "audit.jsonl"
        self._handler: RotatingFileHandler | None = None

    def write(self, told: dict[str, Any]) -> None:
        """Add a line."""
        line = json.dumps(told, default=str)
        record = logging.LogRecord("findata.serving.audit", logging.INFO, "", 0, line, None, None)
        try:
            if self._handler is None:
                self._handler = self._opened()
            self._handler.emit(record)
        except OSError as error:
            requests.warning("the audit log can't be written: %s", error.strerror)

    def close(self) -> None:
        """Close the file."""
        if self._handler is not None:
            self._handler.close()
            self._handler = None

    def _opened(self) -> RotatingFileHandler:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _Private(self.path, maxBytes=MOST_BYTES, backupCount=KEPT_FILES, encoding="utf-8")


class _Private(RotatingFileHandler):
    """A file that its owner alone reads, and whose failures are the caller's to hear of."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        del record
        raise  # noqa: PLE0704 (called inside of an except block)


def note_request(asked: Asked, file: AuditFile, *, is_kept: bool) -> None:
    """Tell of a request, and keep it where it must be looked up later."""
    if requests.isEnabledFor(logging.INFO):
        told = asked.told()
        requests.info("%s %s %s", asked.method, told["path"], asked.status, extra={"fields": told})
    if is_kept:
        file.write(asked.told())


def note_act(file: AuditFile, time: datetime, operator: str, act: str, **about: Any) -> None:
    """Keep what an operator did by the command, which ends after it."""
    file.write(
        {"time": time.isoformat(timespec="milliseconds"), "who": f"operator:{operator}", "act": act, **about}
    )
    file.close()
