"""What readers of a findata server import: rows as frames, in one line, as they are or as they were known.

    from findata_client import Client
    Client().candles("AAPL.XNAS", "5m", start="2022-06-01", end="2022-06-08")

It speaks HTTP alone: what it needs besides is urllib3 and Polars. Of findata it knows the contract, and nothing else.
"""

from findata_client.client import Client
from findata_client.errors import (
    BadQuestion,
    ClientError,
    NotAllowed,
    NotFound,
    NotKnown,
    ServerAway,
    TooMany,
    Unexpected,
)
from findata_client.following import Event

__all__ = [
    "BadQuestion",
    "Client",
    "ClientError",
    "Event",
    "NotAllowed",
    "NotFound",
    "NotKnown",
    "ServerAway",
    "TooMany",
    "Unexpected",
]
