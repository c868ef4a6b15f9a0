"""Every error that findata raises on purpose, named by what the caller does next.

FindataError
├── ConfigurationError      change a setting
│   ├── UnknownExchange     use a market identifier code of the catalogue, or add it there
│   └── UnknownInterval     use an interval of the catalogue
├── ProviderError           a provider did not give what was asked
│   ├── RetriableProviderError  wait retry_after_seconds, then ask again
│   │   ├── DailyLimitReached  ask again when the provider's day is over, not before
│   │   └── Unreachable     look at the network and the address, then ask again
│   ├── NotAsked            nothing was sent: ask from not_before on
│   │   ├── QuotaExhausted  what the provider allows is used up
│   │   └── ProviderDown    it is left alone for a while: it has failed too often, or asks for it
│   ├── RefusedRequest      ask for something else: the same request would be refused again
│   │   └── BeyondWall      nothing was sent: ask for what begins at wall_time or later
│   └── MalformedPayload    keep the payload, quarantine it whole, look at the reason
│       └── ParserFailed    the same, and mend the parser: it did not foresee this payload
├── DataError               look at the rows: they do not fit what the table says
│   └── MixedAdjustments    bring the prices to one basis first: they can't be compared or computed together
├── StoreError              database or S3 said no; see why, then run again
├── RunFailed               a Dagster run failed: its message says what to do
├── NotEqual                what is stored, published and rebuilt differ: see findata verify
└── StackError              mend the machine or the servers, then run findata up again
    ├── PortTaken           free the port or choose another one
    └── NotRunning          run findata up

What belongs here: errors that more than one package raises or catches.
What does not: errors of other libraries (they are wrapped where the call is made).
"""

from __future__ import annotations

from datetime import datetime


class FindataError(Exception):
    """Something went wrong and the next step is known.

    `message` says what happened, `next_step` what the reader does about it. Messages quote what others have sent, and
    are stored and printed: what neither UTF-8 nor the database takes of a quotation is a question mark.
    """

    def __init__(self, message: str, next_step: str) -> None:
        message = message.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")
        super().__init__(message, next_step)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}. Next: {self.next_step}"


class ConfigurationError(FindataError):
    """A setting is missing, misspelt or contradicts another one."""


class UnknownExchange(ConfigurationError):
    """A market identifier code is not in the catalogue of exchanges."""


class UnknownInterval(ConfigurationError):
    """An interval is not in the catalogue of intervals."""


class ProviderError(FindataError):
    """A provider did not give what was asked. `http_status`: of its answer, None where there was none."""

    http_status: int | None = None


class RetriableProviderError(ProviderError):
    """The provider can't answer now (429, 5xx, timeout, cut-off body): the same request may work later.

    `retry_after_seconds`: how long the provider asks to be left alone; None where it does not say.
    """

    def __init__(self, message: str, next_step: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, next_step)
        self.retry_after_seconds = retry_after_seconds


class DailyLimitReached(RetriableProviderError):
    """The provider says that a day's requests are used up: asking again today fails, whatever is asked."""


class Unreachable(RetriableProviderError):
    """Nobody answers at the provider's address: no network, no such host, nothing that listens there."""


class NotAsked(ProviderError):
    """A request was not made, and costs nothing. `not_before`: the instant from which it may be."""

    def __init__(self, message: str, next_step: str, not_before: datetime) -> None:
        super().__init__(message, next_step)
        self.not_before = not_before


class QuotaExhausted(NotAsked):
    """The requests that a provider allows are used up for longer than a run waits."""


class ProviderDown(NotAsked):
    """A provider failed so many times in a row that it is left alone for a while, or it has asked for that itself."""


class RefusedRequest(ProviderError):
    """The provider will not answer this request, now or later (unknown symbol, beyond the wall)."""


class BeyondWall(RefusedRequest):
    """The window begins before what the provider still gives; nothing was sent, so it is no refusal of the provider's.

    `wall_time`: it gives what begins then or later.
    """

    def __init__(self, message: str, next_step: str, wall_time: datetime) -> None:
        super().__init__(message, next_step)
        self.wall_time = wall_time


class KeyRefused(RefusedRequest):
    """The provider does not take the key: whatever is asked with it is refused."""


class MalformedPayload(ProviderError):
    """The bytes of a payload can't be read as what they are said to be."""


class ParserFailed(MalformedPayload):
    """A parser ended with an exception that is none of these: it did not foresee the payload, or it is broken."""


class DataError(FindataError):
    """Rows do not have the shape that their table declares."""


class MixedAdjustments(DataError):
    """Prices of different adjustment bases meet in one computation."""


class StoreError(FindataError):
    """The database or the object store could not do what was asked."""


class RunFailed(FindataError):
    """A Dagster run that findata started did not succeed."""


class NotEqual(FindataError):
    """Two copies of the same facts have different content hashes."""


class StackError(FindataError):
    """The embedded servers can't be unpacked, started or stopped."""


class PortTaken(StackError):
    """Another program listens on a port that a server of the stack needs."""


class NotRunning(StackError):
    """Nothing is named in the settings and the embedded stack is not running."""
