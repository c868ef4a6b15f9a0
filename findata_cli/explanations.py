"""explain: from a stored candle or bar back to the bytes that it came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from findata_cli import opening, screen
from findata_cli.exits import PROOF_FAILED

if TYPE_CHECKING:
    from findata_assets.steps.explaining import Explanation, Receipt

MOST_BARS_SHOWN = 12  # of a week's 1950 minutes the first and the last ones tell enough
MOST_DIFFERENCES_SHOWN = 30
BAR_COLUMNS = ("event_time", "open", "high", "low", "close", "volume", "payload_id")


def explain(
    instrument: Annotated[str, typer.Argument(help="symbol.MIC, for example MSFT.XNAS.")],
    interval: Annotated[str, typer.Argument(help="1m, 2m, 5m, 15m, 30m, 1h, 4h, 1d, 1w or 1mo.")],
    start: Annotated[
        str,
        typer.Argument(
            help="Where it starts: an instant in ISO 8601, in UTC unless it names an offset. For 1d, 1w and "
            "1mo also a date: the session, or any day of the period."
        ),
    ],
    source_interval: Annotated[
        str | None,
        typer.Option(
            "--source-interval", metavar="1m|1d", help="Only the row that is folded from these bars."
        ),
    ] = None,
) -> None:
    """Show where a candle or bar comes from, and make it again from the raw payloads to see that it is true.

    Each payload behind it is read from S3, hashed, parsed and folded again. Exit code 1 if what is
    stored is not what comes out.
    """
    settings = opening.settings_in_force()
    from findata_assets.steps.asking import asked
    from findata_assets.steps.explaining import explain as explain_rows

    wanted = asked(instrument, interval, start, source_interval)
    with opening.platform(settings) as platform:
        found = explain_rows(platform, wanted)
    for explanation in found:
        _show(explanation)
    if not all(explanation.is_equal for explanation in found):
        raise typer.Exit(PROOF_FAILED)


def _show(explanation: Explanation) -> None:
    row = explanation.stored.row(0, named=True)
    screen.say(
        f"{explanation.table_name}: {row['instrument_id']} {row['interval']} {row['event_time']:%Y-%m-%d %H:%M} UTC, "
        f"from {explanation.source_interval} bars of {row['source']} ({row['adjustment']})",
        style="bold",
    )
    _show_payloads(explanation)
    _show_bars(explanation)
    _show_values(explanation)
    for difference in explanation.differences[:MOST_DIFFERENCES_SHOWN]:
        screen.say(f"  {difference}", style="red")
    hidden = len(explanation.differences) - MOST_DIFFERENCES_SHOWN
    if hidden > 0:
        screen.say(f"  and {hidden:,} more differences", style="red")
    screen.say("equal\n" if explanation.is_equal else "different\n", style="bold")


def _show_payloads(explanation: Explanation) -> None:
    for receipt in explanation.receipts:
        payload = receipt.payload
        screen.say(
            f"payload {payload['payload_id']} of {payload['source']}, received {payload['received_time']}"
        )
        screen.say(f"  object          {payload['object_key']}")
        screen.say(f"  sha256 received {payload['sha256']}")
        screen.say(f"  sha256 on S3    {_sha256(receipt)}")
        screen.say(f"  request         {essentials(json.loads(payload['request']))}")


def _sha256(receipt: Receipt) -> str:
    return f"{receipt.sha256_now} (the same)" if not receipt.problem else receipt.problem


def essentials(request: dict[str, Any]) -> str:
    """Return what a request asked for, in one line."""
    parameters = request["parameters"]
    parts = [request["provider"], request["dataset"], request["subject"], parameters.get("file", "")]
    window = (request.get("window_start"), request.get("window_end"))
    parts.append(f"[{window[0]}, {window[1]})" if all(window) else "")
    return ", ".join(part for part in parts if part)


def _show_bars(explanation: Explanation) -> None:
    bars = explanation.bars.sort("event_time").select(BAR_COLUMNS)
    half = MOST_BARS_SHOWN // 2
    parts = [bars] if bars.height <= MOST_BARS_SHOWN else [bars.head(half), bars.tail(half)]
    rows: list[tuple[object, ...]] = []
    for number, part in enumerate(parts):
        if number:
            rows.append(("...", *[""] * (len(BAR_COLUMNS) - 1)))
        rows += [(f"{time:%Y-%m-%d %H:%M}", *map(str, rest)) for time, *rest in part.iter_rows()]
    screen.show(BAR_COLUMNS, rows, title=f"{bars.height:,} bars", numbers=BAR_COLUMNS[1:])


def _show_values(explanation: Explanation) -> None:
    """Print the row as it is stored beside the row made again."""
    stored = explanation.stored.row(0, named=True)
    again = explanation.refolded.row(0, named=True) if explanation.refolded.height else {}
    rows = [
        (name, str(value), str(again.get(name, "")), "" if again.get(name) == value else "differs")
        for name, value in stored.items()
    ]
    screen.show(("column", "stored", "made again", ""), rows)
