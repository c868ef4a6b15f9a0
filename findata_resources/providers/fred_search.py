"""Looking for series at FRED by words, through fredapi: nothing of it is stored.

What belongs here: the call, and its errors in findata's words. What is stored is asked for in fred.py: fredapi keeps no
bytes and no bounds (docs/adr/0013-fred-over-http.md).
"""

from __future__ import annotations

from urllib.error import URLError
from xml.etree.ElementTree import ParseError

from pydantic import SecretStr

from findata_core.errors import KeyRefused, RefusedRequest, RetriableProviderError
from findata_resources.providers.fred import WHO, required_key
from findata_resources.providers.http_answers import TRY_LATER, unreachable

COLUMNS = ("id", "title", "units", "frequency_short", "seasonal_adjustment_short", "observation_end")


def search(api_key: SecretStr | None, base_url: str, text: str, limit: int) -> list[tuple[str, ...]]:
    """Return the best matches as COLUMNS, best first; [] where there is none. ConfigurationError without a key."""
    key = required_key(api_key).get_secret_value()
    import fredapi  # pandas: half a second that only those pay who search

    fred = fredapi.Fred(api_key=key)
    fred.root_url = base_url.rstrip("/")
    try:
        found = fred.search(text, limit=limit, order_by="search_rank", sort_order="desc")
    except ValueError as error:  # the words of FRED's error body
        said = str(error).replace(key, "***")
        kind = KeyRefused if "api_key" in said else RefusedRequest
        raise kind(
            f"{WHO} answered: {said}", "Correct FINDATA_FRED_API_KEY, or search for other words"
        ) from None
    except URLError as error:
        raise unreachable(WHO, error) from None
    except (OSError, ParseError, TypeError) as error:
        raise RetriableProviderError(
            f"{WHO} gave no readable answer: {type(error).__name__}", TRY_LATER
        ) from None
    if found is None:
        return []
    return [tuple(str(value) for value in row) for row in found.loc[:, list(COLUMNS)].itertuples(index=False)]
