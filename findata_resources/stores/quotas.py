"""Taking a request from a provider's limits: one short transaction that commits before the request is made.

The rows of `ops.quotas` are locked while it is decided, so threads, processes and machines share one count. Whoever
is killed after taking has lost a request; nobody has one twice.

What belongs here: the rows and their locks. What does not: when a request is free (findata_core/quotas.py).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from findata_core.quotas import DAY, NOTHING_SPENT, Limit, Spent, next_free, spend, used_up
from findata_resources.stores.database import Cursor, Database

KEY_ID_DIGITS = 12  # enough to tell one's keys apart, too few to be of use to who reads them


def key_id(api_key: str) -> str:
    """Return what stands for an API key in the books; "" for none."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:KEY_ID_DIGITS] if api_key else ""


def take(
    database: Database, provider: str, key: str, limits: Sequence[Limit], now: datetime
) -> datetime | None:
    """Take one request from all limits, or none from any: None if granted, else the instant not to ask before.

    Call it outside of any transaction: what is taken must be committed before the request is made.
    """
    if not limits:
        return None
    with database.transaction() as cursor:
        spent = _locked(cursor, provider, key, limits)
        free = max(next_free(limit, spent[limit.window], now) for limit in limits)
        if free > now:
            return free
        for limit in limits:
            _write(cursor, provider, key, limit, spend(limit, spent[limit.window], now))
    return None


def use_up_day(database: Database, provider: str, key: str, limits: Sequence[Limit]) -> bool:
    """Enter that nothing is left of the day that a key's last request was granted in: the provider says so.

    False, and nothing is entered, where no day is limited.
    """
    days = [limit for limit in limits if limit.window == DAY]
    if not days:
        return False
    with database.transaction() as cursor:
        spent = _locked(cursor, provider, key, days)
        for limit in days:
            _write(cursor, provider, key, limit, used_up(limit, spent[limit.window]))
    return True


def free_from(
    database: Database, provider: str, key: str, limits: Sequence[Limit], now: datetime
) -> datetime:
    """Return the instant from which a request is free, to somebody who only looks: nothing is taken."""
    spent = spent_of(database, provider, key, limits)
    return max((next_free(limit, spent[limit.window], now) for limit in limits), default=now)


def spent_of(database: Database, provider: str, key: str, limits: Sequence[Limit]) -> Mapping[str, Spent]:
    """Return what is spent of each limit, by window, to somebody who only looks."""
    with database.transaction() as cursor:
        return _locked(cursor, provider, key, limits)


def _locked(cursor: Cursor, provider: str, key: str, limits: Sequence[Limit]) -> Mapping[str, Spent]:
    """Return what is spent in each window, locked until the transaction ends; rows that lack are made."""
    windows = sorted(limit.window for limit in limits)  # in one order for all takers: none waits for another
    for window in windows:
        cursor.execute(
            "INSERT INTO ops.quotas (provider, key_id, limit_window, request_limit, used, start_time, end_time) "
            "VALUES (%s, %s, %s, 1, 0, %s, %s) ON CONFLICT DO NOTHING",
            [provider, key, window, NOTHING_SPENT.start_time, NOTHING_SPENT.end_time],
        )
    cursor.execute(
        "SELECT limit_window, start_time, end_time, used FROM ops.quotas WHERE provider = %s AND key_id = %s "
        "AND limit_window = ANY(%s) ORDER BY limit_window FOR UPDATE",
        [provider, key, windows],
    )
    return {window: Spent(start, end, used) for window, start, end, used in cursor.fetchall()}


def _write(cursor: Cursor, provider: str, key: str, limit: Limit, spent: Spent) -> None:
    cursor.execute(
        "UPDATE ops.quotas SET request_limit = %s, used = %s, start_time = %s, end_time = %s "
        "WHERE provider = %s AND key_id = %s AND limit_window = %s",
        [limit.requests, spent.used, spent.start_time, spent.end_time, provider, key, limit.window],
    )
