"""Folders of recorded minutes, days and rates, as small as a test needs them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from findata_assets.steps.platform import Platform
from findata_assets.steps.receiving import receive
from findata_assets.steps.sources import Loaded, load_recorded, recorded_answers

Bar = tuple[float | str, float | str, float | str, float | str, float | str]

BARS = """
[[set]]
name = "bars"
files = "*.csv"
dataset = "bars"
source = "{source}"
interval = "{interval}"
adjustment = "raw"
received = {received}

[set.instrument]
path_pattern = '^(?P<symbol>[^_]+)_.*\\.csv$'
mic = "{mic}"

[set.time]
column = "date"
"""
SOFR = """
[[set]]
name = "sofr"
files = "*.csv"
dataset = "rates"
source = "nyfed"
rate = "SOFR"
received = {received}

[set.time]
column = "observation_date"
"""


def flat(price: float, volume: float = 100) -> Bar:
    """A minute that never moved."""
    return (price, price, price, price, volume)


def minutes_from(start: datetime, bars: list[Bar]) -> dict[str, Bar]:
    """Bars of successive minutes by their ISO start."""
    return {(start + timedelta(minutes=n)).isoformat(sep=" "): bar for n, bar in enumerate(bars)}


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write_folder(
    folder: Path,
    received: str,
    bars: Mapping[str, Bar],
    symbol: str = "MSFT",
    mic: str = "XNAS",
    source: str = "recorded",
    interval: str = "1m",
) -> Path:
    """Write bars by their ISO start (a daily bar's date) into a folder that was received at an instant."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{start},{','.join(str(number) for number in bar)}" for start, bar in bars.items()]
    text = "\n".join(["date,open,high,low,close,volume", *lines])
    (folder / f"{symbol}_{folder.name}.csv").write_text(text)
    manifest = BARS.format(source=source, received=received, mic=mic, interval=interval)
    (folder / "recorded.toml").write_text(manifest + ("" if interval == "1d" else 'label = "start"\n'))
    return folder


def write_rates(folder: Path, received: str, rates: Mapping[str, float]) -> Path:
    """Write fixings by their ISO date into a folder that was received at an instant."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{day},{rate}" for day, rate in rates.items()]
    (folder / "sofr.csv").write_text("\n".join(["observation_date,rate_percent", *lines]))
    (folder / "recorded.toml").write_text(SOFR.format(received=received))
    return folder


def load(platform: Platform, folder: Path, dataset: str = "bars") -> Loaded:
    """Receive a folder, its exchanges' calendars first."""
    return load_recorded(platform, folder, None, dataset)


def take_in(platform: Platform, folder: Path, dataset: str = "bars") -> None:
    """Receive a folder whose exchanges' calendars are there already."""
    for answer in recorded_answers(platform, folder, None, dataset):
        receive(platform, answer)
