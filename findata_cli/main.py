"""The entry point: which commands there are. What each one does is in the module of its subject."""

from __future__ import annotations

import typer

from findata_cli import backups, instruments, keys, lake, metrics, rates, series
from findata_cli.adjusted import adjusted
from findata_cli.alerts import alerts
from findata_cli.breaks import breaks
from findata_cli.calendars import calendars
from findata_cli.configuration import config
from findata_cli.coverage import coverage
from findata_cli.demonstration import demo
from findata_cli.doctor import doctor
from findata_cli.exits import FindataCommand, FindataGroup
from findata_cli.explanations import explain
from findata_cli.freshness import freshness
from findata_cli.keeping import cost, retention
from findata_cli.known import as_of
from findata_cli.materializing import materialize
from findata_cli.planning import plan
from findata_cli.proving import rebuild, verify
from findata_cli.quarantine import list_held, reject, release, show
from findata_cli.querying import sql
from findata_cli.report import report
from findata_cli.schemas import diff, migrate, revision
from findata_cli.servers import down, status, up
from findata_cli.serving import serve

HELP = """Financial data in TimescaleDB and on S3, kept by Dagster.

Every command may be run again at any time: it goes on where the last one stopped, and does nothing twice.
Progress is on standard error, results are on standard output.
"""
EXIT_CODES = (
    "Exit codes: 0 done; 1 a proof or check failed, or something unexpected happened; 2 wrong usage or "
    "configuration; 3 a server or store can't be reached; 4 a provider failed; 130 interrupted."
)

app = typer.Typer(
    name="findata",
    cls=FindataGroup,
    help=HELP,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
quarantine = typer.Typer(
    help="Payloads that are held because they are implausible: list, show, release, reject.",
    no_args_is_help=True,
)
followed = typer.Typer(
    help="Economic series: the catalogue, what was published when, search.", no_args_is_help=True
)
instrument = typer.Typer(
    help="Securities and their names, which need a date: find, show, history.", no_args_is_help=True
)
schema = typer.Typer(help="The database's tables and the contract in proto/.", no_args_is_help=True)

# In the order of help: a first look, the servers, the data, the proofs, the rest.
for _command in (
    demo,
    up,
    down,
    status,
    serve,
    doctor,
    migrate,
    plan,
    materialize,
    sql,
    as_of,
    adjusted,
    coverage,
    freshness,
    calendars,
    breaks,
    report,
    alerts,
    explain,
    verify,
    rebuild,
    backups.restore,
    retention,
    cost,
    config,
):
    app.command(cls=FindataCommand, epilog=EXIT_CODES)(_command)
schema.command(cls=FindataCommand, epilog=EXIT_CODES)(diff)
schema.command(cls=FindataCommand, epilog=EXIT_CODES)(revision)
instrument.command(cls=FindataCommand, epilog=EXIT_CODES)(instruments.find)
instrument.command(cls=FindataCommand, epilog=EXIT_CODES)(instruments.show)
instrument.command(cls=FindataCommand, epilog=EXIT_CODES)(instruments.history)
app.add_typer(instrument, name="instrument")
app.add_typer(backups.app, name="backup")
app.add_typer(keys.app, name="keys")
app.add_typer(lake.app, name="lake")
app.add_typer(metrics.app, name="metrics")
app.add_typer(rates.app, name="rates")
app.add_typer(schema, name="schema")
followed.command("list", cls=FindataCommand, epilog=EXIT_CODES)(series.list_series)
followed.command(cls=FindataCommand, epilog=EXIT_CODES)(series.show)
followed.command(cls=FindataCommand, epilog=EXIT_CODES)(series.search)
followed.command(cls=FindataCommand, epilog=EXIT_CODES)(series.vintages)
app.add_typer(followed, name="series")
quarantine.command("list", cls=FindataCommand, epilog=EXIT_CODES)(list_held)
quarantine.command(cls=FindataCommand, epilog=EXIT_CODES)(show)
quarantine.command(cls=FindataCommand, epilog=EXIT_CODES)(release)
quarantine.command(cls=FindataCommand, epilog=EXIT_CODES)(reject)
app.add_typer(quarantine, name="quarantine")
