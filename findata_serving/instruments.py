"""Which instruments there are, and what is near where there is none of a name.

What belongs here: looking one up. What does not: routes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from findata_serving.problems import Problem, not_found, shown
from findata_serving.sources import Sources

MOST_NEAR = 5
_ONE = """
    SELECT i.instrument_id, i.mic, i.currency, i.price_units, s.time_zone FROM v1_live.instruments AS i
    LEFT JOIN LATERAL (SELECT time_zone FROM v1_live.sessions WHERE mic = i.mic ORDER BY session_date DESC LIMIT 1) AS s
    ON true WHERE i.instrument_id = $1
"""


async def require_instrument(sources: Sources, instrument_id: str) -> dict[str, Any]:
    """Return what is known of an instrument; a Problem with near ones where there is none."""
    found = await sources.rows(_ONE, instrument_id)
    if found:
        return dict(found[0])
    raise unknown(instrument_id, await known(sources))


async def known(sources: Sources) -> list[str]:
    """Return the names of all instruments, sorted."""
    return [row[0] for row in await sources.rows("SELECT instrument_id FROM v1_live.instruments ORDER BY 1")]


def unknown(name: str, names: list[str]) -> Problem:
    """Return the problem of a name that nothing has, with those near to it."""
    near = near_ones(name, names)
    step = f"Use {' or '.join(near)}" if near else "See /v1/instruments; an instrument is written symbol.MIC"
    return not_found("no-such-instrument", f"No instrument is called {shown(name)}", step, near=near)


def near_ones(name: str, names: list[str]) -> list[str]:
    """Return names that begin alike, then those that are spelt alike."""
    wanted = name[:64].upper()
    symbol = wanted.partition(".")[0]
    same = [one for one in names if symbol and one.upper().partition(".")[0] == symbol]
    alike = get_close_matches(wanted, names, n=MOST_NEAR, cutoff=0.6)
    return list(dict.fromkeys([*same, *alike]))[:MOST_NEAR]
