"""Asking over HTTP: where, as whom, again where it may help, and page after page.

What belongs here: requests and their repetition. What does not: which questions there are (client), frames.

Every question is a GET, so that asking twice harms nobody. It is asked again after 429, 502, 503, 504 and where nobody
answers: after the time that the server names, else after a random time that doubles (full jitter, as in
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that many who were turned away together
do not come back together.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util.request import ACCEPT_ENCODING, make_headers

from findata_client.errors import BadQuestion, ClientError, away, error_of
from findata_client.frames import Body

USUAL_URL = "http://127.0.0.1:8642"
URL_VARIABLE, KEY_VARIABLE = "FINDATA_URL", "FINDATA_API_KEY"
AGAIN = frozenset({429, 502, 503, 504})
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0
CONNECT_SECONDS = 5.0
MOST_CONNECTIONS = 8  # that are kept for the next question
OK = 200

Values = Mapping[str, str | int | bool | list[str] | None]


@dataclass(frozen=True)
class Patience:
    """How often and how long a question is tried. `sleep`, `chance`: what tests put in their place."""

    tries: int = 5
    patience_seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pause(self, failures: int, asked_seconds: float | None) -> float | None:
        """Return how long to wait after so many failures; None to give up."""
        if failures >= self.tries or (asked_seconds or 0) > self.patience_seconds:
            return None
        if asked_seconds is not None:
            return asked_seconds + self.chance() * FIRST_PAUSE_SECONDS
        longest: float = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (failures - 1))
        return self.chance() * longest


class Asking:
    """Connections to one server."""

    def __init__(
        self, base_url: str | None, api_key: str | None, timeout_seconds: float, patience: Patience
    ) -> None:
        self.address = (base_url or os.environ.get(URL_VARIABLE) or USUAL_URL).rstrip("/")
        self._patience = patience
        self._timeout_seconds = timeout_seconds
        # Packing and unpacking take longer than the loopback.
        encodings = "identity" if _is_near(self.address) else ACCEPT_ENCODING
        self._headers = {"User-Agent": "findata-client", "Accept-Encoding": encodings}
        if key := api_key or os.environ.get(KEY_VARIABLE):
            self._headers["Authorization"] = f"Bearer {key}"
        self._http = _connections(self.address)

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def get(self, path: str, parameters: Values, accept: str) -> BaseHTTPResponse:
        """Return the answer to a question; the error that it is where it is none."""
        failures = 0
        while True:
            asked_seconds: float | None = None
            error: ClientError
            try:
                answer = self._send(path, parameters, {"Accept": accept}, self._timeout_seconds)
            except LocationValueError as problem:
                raise BadQuestion(str(problem), "Look at the names in the question") from None
            except HTTPError as problem:
                error = away(self.address, _words(problem))
            else:
                if answer.status == OK:
                    return answer
                error = error_of(answer.status, answer.data)
                if answer.status not in AGAIN:
                    raise error
                asked_seconds = _seconds(answer.headers.get("Retry-After"))
            failures += 1
            self.wait(failures, error, asked_seconds)

    def pages(self, path: str, parameters: Values, accept: str) -> Iterator[Body]:
        """Yield the bodies of a question's pages, in order."""
        cursor: str | None = None
        while True:
            answer = self.get(path, {**parameters, "cursor": cursor}, accept)
            yield Body(answer.data, answer.headers.get("Content-Type", ""))
            cursor = answer.headers.get("Findata-Next-Cursor")
            if cursor is None:
                return

    def wait(self, failures: int, error: ClientError, asked_seconds: float | None = None) -> None:
        """Wait before the next try, or raise the error where there is none."""
        pause = self._patience.pause(failures, asked_seconds)
        if pause is None:
            raise error
        self._patience.sleep(pause)

    def stream(
        self, path: str, parameters: Values, headers: Mapping[str, str], silence_seconds: float
    ) -> BaseHTTPResponse:
        """Return the answer of a stream, whose silences may be long; its body is read by the caller, who closes it."""
        given = {**headers, "Accept-Encoding": "identity"}
        return self._send(path, parameters, given, silence_seconds, preload_content=False)

    def _send(
        self,
        path: str,
        parameters: Values,
        headers: Mapping[str, str],
        timeout_seconds: float,
        *,
        preload_content: bool = True,
    ) -> BaseHTTPResponse:
        query = urlencode(_given(parameters), doseq=True)
        return self._http.request(
            "GET",
            f"{self.address}{path}" + (f"?{query}" if query else ""),
            headers={**self._headers, **headers},
            timeout=Timeout(connect=CONNECT_SECONDS, read=timeout_seconds),
            retries=False,
            redirect=False,
            preload_content=preload_content,
        )


def _connections(address: str) -> PoolManager:
    """Return connections to an address, through the proxy that the environment names for it; never to this machine."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadQuestion(
            f"{address} is no address of a server", f"Give one like {USUAL_URL}, or set {URL_VARIABLE}"
        )
    proxy = getproxies().get(parts.scheme)
    if proxy is None or _is_near(address) or proxy_bypass(parts.hostname):
        return PoolManager(maxsize=MOST_CONNECTIONS)
    said = urlsplit(proxy)
    who = f"{unquote(said.username)}:{unquote(said.password or '')}" if said.username else None
    return ProxyManager(
        proxy, maxsize=MOST_CONNECTIONS, proxy_headers=make_headers(proxy_basic_auth=who) if who else None
    )


def _given(parameters: Values) -> dict[str, str | int | list[str]]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in parameters.items()
        if value is not None
    }


def _is_near(address: str) -> bool:
    return urlsplit(address).hostname in {"127.0.0.1", "::1", "localhost"}


def _seconds(text: str | None) -> float | None:
    """Read Retry-After; a date, which findata does not send, counts as nothing said."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _words(problem: HTTPError) -> str:
    return f"{type(problem).__name__} {problem}".strip()
