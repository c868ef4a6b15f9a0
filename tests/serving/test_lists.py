"""Lists over HTTP: pages put together are the whole, forward from a start and back in time without one."""

from __future__ import annotations

from itertools import chain
from typing import Any

import httpx
import pytest

KEYS = {
    "/v1/rates/SOFR": ("observation_date", "source"),
    "/v1/rates/SOFR/averages": ("observation_date", "measure"),
    "/v1/instruments/MSFT.XNAS/pivots": ("window_start_date", "variant"),
    "/v1/instruments/MSFT.XNAS/signals": ("event_time", "variant", "level", "kind"),
}
Row = tuple[Any, ...]


def paged(client: httpx.Client, path: str, **asked: Any) -> list[list[Row]]:
    """The keys of the rows, page by page as they come."""
    pages: list[list[Row]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(
            path, params={**asked, "format": "columns", **({"cursor": cursor} if cursor else {})}
        )
        assert answer.status_code == 200, answer.text
        columns = answer.json()["columns"]
        pages.append(list(zip(*(columns[name] for name in KEYS[path]), strict=True)))
        cursor = answer.json()["next_cursor"]
    return pages


@pytest.mark.parametrize("path", KEYS)
@pytest.mark.parametrize("known", [{}, {"as_of": "2022-07-20T00:00:00Z"}], ids=["now", "as known then"])
def test_pages_of_a_list_put_together_are_the_whole(
    client: httpx.Client, path: str, known: dict[str, str]
) -> None:
    (whole,) = paged(client, path, **known, start="2022-05-01", limit=50_000)
    some = max(2, len(whole) // 7)

    forward = paged(client, path, **known, start="2022-05-01", limit=some)
    back = paged(client, path, **known, limit=some)

    assert len(whole) > 5
    assert list(chain.from_iterable(forward)) == whole
    together = list(chain.from_iterable(reversed(back)))
    assert len(set(together)) == len(together)
    assert together[-len(whole) :] == whole
    assert back[0] == whole[-some:]
    assert all(len(page) == some for page in back[:-1])
