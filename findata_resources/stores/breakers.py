"""How each provider fares, for every process that asks it: rows of `ops.breakers`, locked while they change.

What belongs here: the rows. What does not: the rule (findata_core/breaker.py).
"""

from datetime import datetime

from findata_core.breaker import Breaker, Rest
from findata_resources.stores.database import Cursor, Database


def rest_of(database: Database, provider: str, now: datetime) -> Rest | None:
    """Return why a provider is left alone; None if it may be asked.

    Where its rest is over, None is for one caller, who notes what comes of it (an answer, a failure, nothing asked):
    others are told to wait for that.
    """
    with database.transaction() as cursor:
        breaker = _locked(cursor, provider)
        rest = breaker.rest(now)
        if rest is None and breaker.open_time is not None:
            _write(cursor, provider, breaker.while_probing(now))
        return rest


def rests_until_as_told(database: Database, provider: str, now: datetime) -> datetime | None:
    """Return until when rest_of() would leave it alone, to somebody who only looks: nothing is noted."""
    with database.transaction() as cursor:
        return _locked(cursor, provider).rests_until(now)


def note_failure(
    database: Database, provider: str, now: datetime, retry_after_seconds: float | None = None
) -> None:
    """Count a request that a provider failed to answer, and let it rest if it asks for that or has failed too often."""
    with database.transaction() as cursor:
        cursor.execute("INSERT INTO ops.breakers VALUES (%s, 0) ON CONFLICT DO NOTHING", [provider])
        _write(cursor, provider, _locked(cursor, provider).after_failure(now, retry_after_seconds))


def note_answer(database: Database, provider: str, now: datetime) -> None:
    """Forget the failures of a provider: it has answered. One that rests was asked before, and goes on resting."""
    with database.transaction() as cursor:
        breaker = _locked(cursor, provider)
        if breaker.after_answer(now) != breaker:
            _write(cursor, provider, breaker.after_answer(now))


def note_unasked(database: Database, provider: str) -> None:
    """Let another request try whether a provider is well, if this one was to: it was not made, or not yet."""
    with database.transaction() as cursor:
        breaker = _locked(cursor, provider)
        if breaker.without_probe() != breaker:
            _write(cursor, provider, breaker.without_probe())


def _locked(cursor: Cursor, provider: str) -> Breaker:
    """Return a provider's row, locked until the transaction ends; one that never failed has none."""
    cursor.execute(
        "SELECT failures_in_row, open_time, probe_time FROM ops.breakers WHERE provider = %s FOR UPDATE",
        [provider],
    )
    row = cursor.fetchone()
    return Breaker(*row) if row else Breaker()


def _write(cursor: Cursor, provider: str, breaker: Breaker) -> None:
    cursor.execute(
        "UPDATE ops.breakers SET failures_in_row = %s, open_time = %s, probe_time = %s WHERE provider = %s",
        [breaker.failures_in_row, breaker.open_time, breaker.probe_time, provider],
    )
