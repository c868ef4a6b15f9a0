"""The book of API keys in the database, as the key ring reads it: in a thread, on a connection of its own.

What belongs here: connecting, and connecting again. What does not: when it is read (keyring), its SQL
(findata_resources.stores.api_keys).

The connection is the owner's, not a reader's: readers see nothing of `ops`.
"""

from __future__ import annotations

from collections.abc import Iterable

from findata_core.errors import NotRunning, StoreError
from findata_resources.environment import Clock, Settings, resolve_database
from findata_resources.stores import api_keys
from findata_resources.stores.api_keys import ApiKey
from findata_resources.stores.database import Database


class DatabaseBook:
    """The keys of `ops.api_keys`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._database: Database | None = None

    def read(self, used: Iterable[str]) -> list[ApiKey]:
        """Write down which keys were used, and return all keys; StoreError while the database is away."""
        try:
            if self._database is None:
                self._database = Database(resolve_database(self._settings))
            names = sorted(used)
            if names:
                api_keys.note_used(self._database, names, self._clock.now().date())
            return api_keys.listed(self._database)
        except NotRunning as error:
            raise StoreError(error.message, error.next_step) from error
        except StoreError:
            self.close()  # a server that comes back is another one
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._database is not None:
            self._database.close()
            self._database = None
