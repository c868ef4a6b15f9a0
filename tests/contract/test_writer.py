"""findata_writer has all that runs need: what it makes is what the owner makes, by content hash."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_resources.backups.servers import content_hash_of
from findata_resources.stores.timescale import TimescaleStore
from tests.conftest import MakePlatform
from tests.contract.storage import execute
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder, write_rates

OPEN = "2022-05-19 13:30"


def load_twice(platform: Platform, folder: Path) -> str:
    """Take in a session and a rate, then both corrected; run what is due; return the hash of all tables."""
    refresh_reference(platform)
    for said, price in (("2022-05-20T09:00:00Z", 250.0), ("2022-05-21T09:00:00Z", 251.0)):
        place = folder / said.replace(":", "")
        write_folder(place, said, minutes_from(at(OPEN), [flat(price)] * 30))
        take_in(platform, place)
        write_rates(place / "rates", said, {"2022-05-18": price / 100})
        take_in(platform, place / "rates", "rates")
    run_due(platform)
    platform.store.close()
    return content_hash_of(platform.store.database.url)


def test_what_a_writer_makes_is_what_the_owner_makes(make_platform: MakePlatform, tmp_path: Path) -> None:
    by_owner, by_writer = make_platform(), make_platform()
    url = by_writer.store.database.url
    name = f"test_{uuid.uuid4().hex[:8]}"
    execute(url, f"CREATE ROLE {name} LOGIN PASSWORD 'test' IN ROLE findata_writer")
    store = TimescaleStore(f"postgresql://{name}:test@{url.rpartition('@')[2]}")
    try:
        made = load_twice(replace(by_writer, store=store, _sessions={}), tmp_path / "writer")
    finally:
        store.close()
        execute(url, f"DROP ROLE {name}")
    assert made == load_twice(by_owner, tmp_path / "owner")
