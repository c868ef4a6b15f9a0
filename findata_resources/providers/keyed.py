"""Asking over HTTP with a key that reaches the provider and nothing else: no log, no stored request.

What belongs here: the one transport that adds a key. What does not: what an answer may repeat of it (each provider).
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from pydantic import SecretStr


def keyed_client(url: str, parameter: str, key: SecretStr, timeout_seconds: float) -> httpx.Client:
    """Return a client for an address that adds the key as a parameter to whatever is asked."""
    return httpx.Client(transport=_Keyed(parameter, key, _proxy_of(url)), timeout=timeout_seconds)


class _Keyed(httpx.HTTPTransport):
    """Adds the key below everything that logs or keeps a request: httpx logs every address at INFO."""

    def __init__(self, parameter: str, key: SecretStr, proxy: str | None) -> None:
        super().__init__(proxy=proxy)
        self._parameter = parameter
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_add_param(self._parameter, self._key.get_secret_value())
        keyed = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return super().handle_request(keyed)


def _proxy_of(url: str) -> str | None:
    """Return the proxy that this machine has for an address: a client with a transport of its own asks none."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
