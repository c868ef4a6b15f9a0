"""Alpha Vantage, asked over HTTP with a key; what its answers say is alphavantage_series.py's business.

What belongs here: the one GET, and that the key reaches Alpha Vantage and nothing else: no stored
request, no stored body, no error, no log.
"""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from findata_core.errors import ConfigurationError, RefusedRequest
from findata_resources.provider import Clock, Received, Request, kept_headers
from findata_resources.providers.alphavantage_series import CAPABILITIES, PROVIDER, query_of, said_instead
from findata_resources.providers.http_answers import interrupted, refusal, unreachable
from findata_resources.providers.keyed import keyed_client
from findata_resources.stores.quotas import key_id

DEFAULT_BASE_URL = "https://www.alphavantage.co"
WHO = "Alpha Vantage"


class AlphaVantageProvider:
    """Asks the query service. ConfigurationError without a key, before anything is asked.

    `timeout_seconds` bounds connecting and each wait for bytes.
    """

    name = PROVIDER
    capabilities = CAPABILITIES

    def __init__(
        self,
        api_key: SecretStr | None,
        base_url: str = DEFAULT_BASE_URL,
        timeout_seconds: float = 30,
    ) -> None:
        key = api_key.get_secret_value().strip() if api_key else ""
        if not key:
            raise ConfigurationError(
                "Alpha Vantage is asked with a key, and FINDATA_ALPHAVANTAGE_API_KEY names none",
                "Set it in the environment or in .env; a free one: https://www.alphavantage.co/support/#api-key",
            )
        self._key = SecretStr(key)
        self.key_id = key_id(key)  # limits are a key's, in ops.quotas
        self._url = f"{base_url.rstrip('/')}/query"
        self._timeout_seconds = timeout_seconds

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once. A window that no month holds is refused here, without a request."""
        query = query_of(request, clock.now())
        answer = self._ask(query)
        # What is quoted in an error is cut short: the key is taken out before, not after.
        shown = answer.content.replace(self._key.get_secret_value().encode(), b"***")
        if answer.status_code != httpx.codes.OK:
            raise refusal(WHO, answer.status_code, answer.headers, shown, clock.now())
        said = said_instead(shown)
        if said is not None:
            said.http_status = answer.status_code
            raise said
        if shown != answer.content:
            raise RefusedRequest(
                f"{WHO} repeats the key in an answer that is not kept therefore: {shown[:200]!r}",
                "See what it says; if it is data, tell findata's authors",
            )
        return Received(
            request, answer.content, answer.status_code, kept_headers(answer.headers), clock.now()
        )

    def _ask(self, query: dict[str, str]) -> httpx.Response:
        try:
            with keyed_client(self._url, "apikey", self._key, self._timeout_seconds) as client:
                return client.get(self._url, params=query)
        except httpx.ConnectError as error:
            raise unreachable(WHO, error) from error
        except httpx.HTTPError as error:
            raise interrupted(WHO, error) from error
