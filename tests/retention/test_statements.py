"""Retention and compression as SQL for each edition and version; what may never be dropped is refused."""

from __future__ import annotations

import pytest

from findata_core.errors import ConfigurationError
from findata_core.retention import chunked_tables, history_tables, parse_compression, parse_retention
from findata_resources.environment import load_settings
from findata_resources.stores.retention import Edition, not_possible, statements

APACHE = Edition("apache", (2, 19))
COMMUNITY, OLDER = Edition("timescale", (2, 19)), Edition("timescale", (2, 17))


def said(edition: Edition, retention: str = "", compression: str = "") -> list[str]:
    wanted = statements(edition, parse_retention(retention), parse_compression(compression))
    return [statement.as_string(None) for _, statement in wanted]


def test_apache_drops_chunks_of_history_and_nothing_else() -> None:
    assert said(APACHE) == []
    assert said(APACHE, "history.bars=365", "market.bars=90") == [
        "SELECT drop_chunks('history.bars'::regclass, older_than => '365 days'::interval)"
    ]
    assert not_possible(APACHE, {"market.bars": 90}) == ["market.bars"]


def test_community_gets_policies_in_the_words_of_its_version() -> None:
    new = said(COMMUNITY, "history.bars=365", "market.bars=90")
    assert (
        'ALTER TABLE "market"."bars" SET (timescaledb.enable_columnstore, timescaledb.segmentby = '
        '\'"instrument_id", "interval", "source", "adjustment"\', timescaledb.orderby = \'"event_time"\')'
    ) in new
    assert "CALL add_columnstore_policy('market.bars'::regclass, after => '90 days'::interval)" in new
    assert "SELECT add_retention_policy('history.bars'::regclass, drop_after => '365 days'::interval)" in new
    old = said(OLDER, "", "market.bars=90")
    assert (
        "SELECT add_compression_policy('market.bars'::regclass, compress_after => '90 days'::interval)" in old
    )
    assert any("timescaledb.compress_segmentby" in statement for statement in old)
    assert not any("columnstore" in statement for statement in old)


def test_a_policy_that_is_no_longer_asked_for_is_taken_away() -> None:
    removed = said(COMMUNITY)
    assert len(removed) == len(chunked_tables()) + len(history_tables())
    assert all(statement.split()[1].startswith("remove_") for statement in removed)


def test_each_policy_is_removed_before_it_is_set_so_that_new_days_count() -> None:
    statements = [item for item in said(COMMUNITY, "", "market.bars=90") if "'market.bars'::regclass" in item]
    assert [item.split("(")[0] for item in statements] == [
        "CALL remove_columnstore_policy",
        "CALL add_columnstore_policy",
    ]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"retention_days": "market.bars=365"}, "only closed versions can be dropped"),
        ({"retention_days": "raw=365"}, "is not spelt like"),
        ({"retention_days": "ops.payloads=365"}, "only closed versions"),
        ({"retention_days": "history.bars=3"}, "7 days are the least"),
        ({"retention_days": "history.bars=30,history.bars=60"}, "named twice"),
        ({"retention_days": "history.bars=-30"}, "is not spelt like"),
        ({"retention_days": "history.rates=400"}, "only closed versions"),
        ({"compression_days": "rates.rates=30"}, "only tables with chunks"),
        ({"compression_days": "market.bars=30; DROP TABLE x"}, "is not spelt like"),
        ({"dagster_event_days": -1}, "greater than or equal to 0"),
    ],
)
def test_what_may_not_be_dropped_or_is_misspelt_is_refused_with_the_settings(
    setting: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_settings(_env_file=None, **setting)


def test_only_histories_with_chunks_can_be_dropped() -> None:
    assert set(history_tables()) == {"history.bars", "history.bars_1d"}
