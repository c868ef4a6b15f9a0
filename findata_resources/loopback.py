"""Which names and addresses are this machine itself.

What belongs here: that question, without asking a name server: what one says can change. What does not: who
may do what there.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Tell whether a host, as it stands in an address without port and brackets, is this machine's loopback."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(authority: str) -> str:
    """Return the host of `host`, `host:port` or `[::1]:port`; "" where it is none of them."""
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        return host if bracket and _is_port(port) else ""
    host, colon, port = authority.partition(":")
    return host if _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isascii() and text[1:].isdigit())
