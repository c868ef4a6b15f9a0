"""demo: everything once, from nothing to charts and an open Dagster with data in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from findata_cli import opening, screen

if TYPE_CHECKING:
    from findata_resources.environment import Endpoints, Settings

FURTHER = (
    ("findata status", "servers, rows, what is due"),
    (
        "findata sql 'SELECT instrument_id, interval, close FROM v1.latest_candles'",
        "read what is settled: docs/sql.md",
    ),
    ("findata explain MSFT.XNAS 1h '2022-06-01 13:30'", "from a candle back to the bytes it came from"),
    ("findata report --session 2022-06-14", "can that day's data be used, and what speaks against it"),
    ("findata verify", "prove database, lake and raw payloads equal"),
    ("findata doctor", "what is wrong with this installation, and what to do"),
    ("findata materialize --recorded DIR", "your own recorded files"),
    ("findata down", "stop everything; the data stays"),
)


def demo() -> None:
    """Start the servers, load the bundled sample, open charts and Dagster, and print where everything is.

    Beside a running demo it changes nothing and says so. After Ctrl-C or a crash, run it again.
    """
    settings = opening.settings_in_force()
    from findata_cli.contents import rows_of_tables
    from findata_cli.materializing import Task, run
    from findata_resources.embedded import stack
    from findata_resources.migrations.migrate import migrate

    with screen.stages() as progress:
        progress("servers")
        endpoints = stack.up(settings, progress)
        progress("tables")
        migrate(endpoints.database_url)
        outcome = run(settings, Task(recorded=sample_folder()), progress)
        progress("Dagster")
        stack.dagster_up(settings, endpoints, progress)
        progress("charts")
        stack.serving_up(_open_to_this_machine(settings), endpoints, progress)
    with opening.platform(settings) as platform:
        screen.show(("table", "rows"), rows_of_tables(platform), numbers=("rows",))
    outcome.show()
    _show_addresses(settings, endpoints)


def sample_folder() -> Path:
    """Return the folder of the sample that comes with findata."""
    import findata_resources

    return Path(findata_resources.__file__).parent / "sample"


def _open_to_this_machine(settings: Settings) -> Settings:
    """Return the settings of the demo's charts: nobody on this machine is asked for a key, unless somebody wants that.

    On an address that other machines reach the default stays, and the page asks for a key.
    """
    from findata_resources.environment import load_settings

    is_said = bool({"serving_auth", "serving_address"} & settings.model_fields_set)
    return settings if is_said else load_settings(serving_auth="off")


def _show_addresses(settings: Settings, endpoints: Endpoints) -> None:
    from findata_cli.servers import readers_address
    from findata_resources.embedded.orchestrator import ui_address
    from findata_resources.embedded.serving import page_address

    addresses = (
        ("charts", page_address(settings)),
        ("Dagster", ui_address(settings.dagster_port)),
        ("database", masked(endpoints.database_url)),
        ("readers", readers_address(settings) or "docs/sql.md"),
        ("S3", f"{endpoints.s3_endpoint}, bucket {endpoints.s3_bucket}"),
    )
    screen.show(("where", "address"), addresses)
    screen.show(("next", "what it does"), FURTHER)


def masked(url: str) -> str:
    """Return the URL with its password hidden."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username}:********@{parts.netloc.rpartition('@')[2]}").geturl()
