"""Every command that a report or an alert tells a person to run is one that findata's command line takes."""

from __future__ import annotations

import shlex
from datetime import UTC, date, datetime

import click
import pytest
from typer.main import get_command

from findata_assets.definitions import findata
from findata_cli.main import app
from findata_cli.materializing import check, known_tables
from findata_cli.spans import parse_span
from findata_core import cures
from findata_core.alerts.troubles import CHECK_FAILED, RUN_FAILED, Scope, cure_of

DAY, LATER = date(2022, 6, 13), date(2022, 6, 15)
COMMANDS: click.Command = get_command(app)
SPANS = [("", ""), (str(DAY), str(DAY)), (str(DAY), str(LATER))]


def parse(command: str) -> tuple[click.Command, dict[str, object]]:
    """Parse a command as the shell and findata do, without running it."""
    words = shlex.split(command)
    assert words[0] == "findata"
    found = COMMANDS
    context, rest = click.Context(found, info_name="findata"), words[1:]
    while isinstance(found, click.Group) and rest:
        name, inner, rest = found.resolve_command(context, rest)
        assert inner is not None
        found, context = inner, click.Context(inner, info_name=name, parent=context)
    parsed = found.make_context(words[-1], list(rest), parent=context.parent)
    return found, parsed.params


def test_the_parser_refuses_what_is_no_command() -> None:
    with pytest.raises(click.UsageError):
        parse("findata mend")
    with pytest.raises(click.UsageError):
        parse("findata materialize --everything")


@pytest.mark.parametrize("span", SPANS)
def test_every_asset_check_and_job_has_a_cure_that_parses(span: tuple[str, str]) -> None:
    definitions = findata()
    graph = definitions.resolve_asset_graph()
    names = [".".join(key.path) for key in graph.get_all_asset_keys()]
    checks = [f"{'.'.join(key.asset_key.path)}:{key.name}" for key in graph.asset_check_keys]
    jobs = [f"job:{job.name}" for job in definitions.jobs or []]
    made = [(RUN_FAILED, name) for name in [*names, *jobs, "compact"]]
    for kind, name in [*made, *((CHECK_FAILED, name) for name in checks)]:
        _, options = parse(cure_of(kind, [Scope(name, *span)]))
        known_tables([str(item) for item in options.get("select") or ()])  # type: ignore[attr-defined]
        parse_span(options.get("sessions"))  # type: ignore[arg-type]


def test_asking_is_cured_by_asking_that_source_again() -> None:
    assert cure_of(RUN_FAILED, [Scope("raw.yahoo.bars", str(DAY), str(LATER))]) == (
        "findata materialize --source yahoo --sessions 2022-06-13..2022-06-15"
    )
    assert cure_of(RUN_FAILED, [Scope("raw.nyfed.rates")]) == "findata materialize --source nyfed"
    folder = "data/my bars; rm -rf x"
    cure = cure_of(RUN_FAILED, [Scope("raw.recorded.bars")], folder)
    assert str(parse(cure)[1]["recorded"]) == folder


def test_only_the_tables_and_days_that_failed_are_repaired() -> None:
    scopes = [Scope("market.candles", str(DAY), str(DAY)), Scope("market.bars", str(LATER), str(LATER))]
    assert cure_of(RUN_FAILED, scopes) == (
        "findata materialize --select market.bars --select market.candles --sessions 2022-06-13..2022-06-15"
    )
    assert cure_of(CHECK_FAILED, [Scope("market.bars:contract", str(DAY), str(DAY))]) == (
        "findata rebuild --sessions 2022-06-13"
    )


def test_the_commands_of_reports_parse() -> None:
    moment = datetime(2022, 6, 15, 13, 30, tzinfo=UTC)
    for command in (
        cures.ask_again("yahoo", DAY, LATER),
        cures.load_recorded(),
        cures.explain("BRK B.XNYS", "1m", moment),
        cures.breaks_of("MSFT.XNAS", DAY, DAY),
        cures.coverage_of("MSFT.XNAS", DAY, DAY),
        cures.look_at_held(255),
        cures.refused_rows("market.bars", DAY, LATER),
        cures.verify(),
        cures.status(),
    ):
        parse(command)


def test_the_sources_that_cures_name_are_sources() -> None:
    from findata_cli.materializing import Task

    for table in (
        "raw.yahoo.bars",
        "raw.alphavantage.bars",
        "raw.ecb.fx",
        "raw.fred.series",
        "raw.nyfed.rates",
    ):
        source = parse(cure_of(RUN_FAILED, [Scope(table)]))[1]["source"]
        check(Task(source=str(source)))
