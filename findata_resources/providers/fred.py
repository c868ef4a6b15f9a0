"""FRED, asked over HTTP with a key; what its answers say is fred_answers.py's business.

What belongs here: the one GET, what its refusals mean, and that the key stays out of requests, errors and logs. Why
this is not fredapi's doing: docs/adr/0013-fred-over-http.md.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from findata_core.errors import ConfigurationError, KeyRefused, ProviderError, RefusedRequest
from findata_resources.provider import Clock, Received, Request, kept_headers
from findata_resources.providers.fred_answers import CAPABILITIES, PATHS, PROVIDER, is_cut, query_of
from findata_resources.providers.http_answers import interrupted, refusal, unreachable
from findata_resources.stores.quotas import key_id

if TYPE_CHECKING:
    import httpx

DEFAULT_BASE_URL = "https://api.stlouisfed.org/fred"
WHO = "FRED"


class AnswerTooWide(RefusedRequest):
    """More vintages or rows than one answer holds: ask for a narrower window."""


class FredProvider:
    """Asks the API. ConfigurationError without a key, before anything is asked.

    `timeout_seconds` bounds connecting and each wait for bytes.
    """

    name = PROVIDER
    capabilities = CAPABILITIES

    def __init__(
        self, api_key: SecretStr | None, base_url: str = DEFAULT_BASE_URL, timeout_seconds: float = 30
    ) -> None:
        self.key = required_key(api_key)
        self.key_id = key_id(self.key.get_secret_value())  # limits are a key's, in ops.quotas
        self._base_url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds

    def fetch(self, request: Request, clock: Clock) -> Received:
        """Ask once. AnswerTooWide: FRED would give, or has given, a part only, which is not kept."""
        answer = self._ask(f"{self._base_url}/{PATHS[request.dataset][0]}", query_of(request))
        shown = answer.content.replace(self.key.get_secret_value().encode(), b"***")
        if answer.status_code != HTTPStatus.OK:
            raise _refused(refusal(WHO, answer.status_code, answer.headers, shown, clock.now()), shown)
        if shown != answer.content:
            raise RefusedRequest(
                f"{WHO} repeats the key in an answer that is not kept therefore: {shown[:200]!r}",
                "See what it says; if it is data, tell findata's authors",
            )
        if request.dataset == "observations" and _is_part(answer.content):
            raise _too_wide(f"{WHO} has more rows for the window than an answer holds")
        return Received(
            request, answer.content, answer.status_code, kept_headers(answer.headers), clock.now()
        )

    def _ask(self, url: str, query: dict[str, str]) -> httpx.Response:
        import httpx  # a third of a second that only those pay who ask

        from findata_resources.providers.keyed import keyed_client

        try:
            with keyed_client(url, "api_key", self.key, self._timeout_seconds) as client:
                return client.get(url, params=query)
        except httpx.ConnectError as error:
            raise unreachable(WHO, error) from error
        except httpx.HTTPError as error:
            raise interrupted(WHO, error) from error


def required_key(api_key: SecretStr | None) -> SecretStr:
    """Return the key without spaces around it; ConfigurationError says where to get one."""
    key = api_key.get_secret_value().strip() if api_key else ""
    if not key:
        raise ConfigurationError(
            "FRED is asked with a key, and FINDATA_FRED_API_KEY names none",
            "Set it in the environment or in .env; a free one: https://fred.stlouisfed.org/docs/api/api_key.html",
        )
    return SecretStr(key)


def _refused(error: ProviderError, body: bytes) -> ProviderError:
    """Return what HTTP 400 means here: FRED says with it whatever is wrong, in words."""
    if error.http_status != HTTPStatus.BAD_REQUEST:
        return error
    said = _message(body)
    if "api_key" in said:
        told: ProviderError = KeyRefused(
            f"{WHO} does not take the key: {said}", "Correct FINDATA_FRED_API_KEY"
        )
    elif "vintage dates" in said:
        told = _too_wide(f"{WHO} answered: {said}")
    else:
        told = RefusedRequest(f"{WHO} answered: {said}", "Check the series id with findata series search")
    told.http_status = error.http_status
    return told


def _too_wide(message: str) -> AnswerTooWide:
    return AnswerTooWide(message, "Narrower windows are asked for; where this stays, see ops.fetches")


def _message(body: bytes) -> str:
    """Return the words of an error body {"error_code": 400, "error_message": "..."}; its start where it is none."""
    content = _json(body)
    said = content.get("error_message") if isinstance(content, dict) else None
    return str(said) if said else body[:200].decode("utf-8", "replace")


def _is_part(body: bytes) -> bool:
    content = _json(body)
    found = content.get("observations") if isinstance(content, dict) else None
    return isinstance(found, list) and is_cut(content, found)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
