"""When a provider that fails is left alone, and when it is tried again: a circuit breaker without a clock.

It opens after FAILURES_IN_ROW failures in a row, and at once for as long as the provider asks to be left alone. From
`probe_time` on it is half open: one request is let through, and what comes of it closes the breaker or opens it again.

What belongs here: the rule, and how long one waits between tries. What does not: where its state is kept
(findata_resources/stores/breakers.py), what a failure is (findata_assets/steps/patience.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# Ours: three instruments in a row, each tried three times, may be unlucky; the tenth failure is the provider's.
FAILURES_IN_ROW = 10
# Ours: short enough for an evening's run to see a restart, long enough not to add to what makes it fail.
COOL_DOWN = timedelta(minutes=5)
# A provider that asks for more than a day's rest is asked again the day after all the same.
LONGEST_REST = timedelta(days=1)
# Ours: the bounds between which waits double.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class Rest:
    """Why nothing is asked now, and until when.

    `is_probed`: one request is trying, and soon more is known. `is_asked_for`: the provider wants it, and may be well.
    """

    until: datetime
    is_probed: bool = False
    is_asked_for: bool = False


@dataclass(frozen=True)
class Breaker:
    """Failures in a row, and the rest [open_time, probe_time) that follows; both None while closed.

    Where open_time is no earlier than probe_time, the rest is over and one request has been trying since open_time.
    """

    failures_in_row: int = 0
    open_time: datetime | None = None
    probe_time: datetime | None = None

    def rest(self, now: datetime) -> Rest | None:
        """Return why nothing is asked; None if a request may be made.

        A clock that shows less than when the breaker opened was wrong then or is now: one request tells.
        """
        if self.open_time is None or self.probe_time is None:
            return None
        is_probed = self.open_time >= self.probe_time
        until = self.open_time + COOL_DOWN if is_probed else self.probe_time
        is_asked_for = not is_probed and self.failures_in_row < FAILURES_IN_ROW
        return Rest(until, is_probed, is_asked_for) if self.open_time <= now < until else None

    def rests_until(self, now: datetime) -> datetime | None:
        """Return until when nothing is asked; None if a request may be made."""
        rest = self.rest(now)
        return rest.until if rest else None

    def after_failure(self, now: datetime, retry_after_seconds: float | None = None) -> Breaker:
        """Return the breaker after a request that the provider failed to answer.

        It rests for as long as the provider asks for, and for COOL_DOWN at least when there are too many failures.
        Those of requests that were under way before a rest began make it no shorter.
        """
        failures = self.failures_in_row + 1
        asked_for = timedelta(seconds=min(retry_after_seconds or 0.0, LONGEST_REST.total_seconds()))
        until = now + max(asked_for, COOL_DOWN if failures >= FAILURES_IN_ROW else timedelta())
        rest = self.rest(now)
        if rest and not rest.is_probed:
            return Breaker(failures, self.open_time, max(until, rest.until))
        return Breaker(failures, now, until) if until > now else Breaker(failures)

    def after_answer(self, now: datetime) -> Breaker:
        """Return the breaker after an answer: closed. At rest it stays so: what was answered was asked before."""
        rest = self.rest(now)
        return self if rest and not rest.is_probed else Breaker()

    def while_probing(self, now: datetime) -> Breaker:
        """Return the breaker while one request tries: others wait for it, not for ever if it is killed."""
        if self.open_time is None or self.probe_time is None:
            return self
        return replace(self, open_time=now, probe_time=min(self.probe_time, now))

    def without_probe(self) -> Breaker:
        """Return the breaker after a request that was to try and was not made: the next one tries."""
        if self.open_time is None or self.probe_time is None or self.open_time < self.probe_time:
            return self
        return replace(
            self, open_time=self.probe_time - COOL_DOWN
        )  # a rest that is over; when it began is forgotten


def pause_seconds(failures: int, chance: float, retry_after_seconds: float | None = None) -> float:
    """Return how long to wait after so many failures (1 or more); `chance` is a random number of [0, 1).

    Full jitter: anywhere between nothing and a bound that doubles, so that many who failed together do not come
    back together (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Never less than
    Retry-After asks for (RFC 9110 10.2.3).
    """
    bound = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
    return max(chance * bound, retry_after_seconds or 0.0)
