"""How a manifest (`recorded.toml`) describes a folder of recorded files: its keys, and their checks.

What belongs here: the model, reading it, and messages that tell its writer what to change. Finding the
files is in recorded_files.py, reading them in recorded.py. docs/providers/recorded.md is the user's page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from findata_core.errors import ConfigurationError
from findata_resources.providers.recorded_datasets import (
    BAR_COLUMNS,
    FORMATS,
    KNOWN_COLUMNS,
    MAPPED,
    NEEDED,
)
from findata_resources.providers.recorded_keys import (
    NULL_MARKERS,
    ColumnName,
    Currency,
    Globs,
    Mic,
    PriceUnits,
    Zone,
    group,
)


class Part(BaseModel):
    """A table of the manifest: unknown keys are refused, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Skip(Part):
    """Files that are left out on purpose."""

    files: Globs
    reason: Annotated[str, Field(min_length=1)]


class SymbolEntry(Part):
    """What one name in the files means, where it differs from the set's defaults."""

    symbol: str | None = None
    mic: Mic | None = None
    currency: Currency | None = None
    price_units: PriceUnits | None = None


class InstrumentPart(Part):
    """Where the instrument is named: exactly one of the file's path, a column, or the manifest itself."""

    path_pattern: Annotated[str, group("symbol")] | None = None
    column: ColumnName | None = None
    symbol: str | None = None
    upper_case: bool = False
    mic: Mic | None = None
    currency: Currency | None = None
    price_units: PriceUnits | None = None
    symbols: dict[str, SymbolEntry] = {}

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        given = [self.path_pattern, self.column, self.symbol]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of path_pattern, column and symbol")
        return self


class TimePart(Part):
    """How a row's stamp or date is read."""

    column: ColumnName | None = None
    date_column: ColumnName | None = None
    time_column: ColumnName | None = None
    date_in_path: Annotated[str, group("date")] | None = None
    date_format: str = "%Y%m%d"
    format: str | None = None
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    since_midnight: Literal["s", "ms"] | None = None
    zone: Zone | None = None
    label: Literal["start", "end"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.column is not None and (self.date_column is not None or self.time_column is not None):
            raise ValueError("give either column, or date_column and time_column")
        if self.date_column is not None and self.date_in_path is not None:
            raise ValueError("give the date by date_column or by date_in_path, not both")
        if sum(value is not None for value in (self.format, self.epoch, self.since_midnight)) > 1:
            raise ValueError("give at most one of format, epoch and since_midnight")
        if self.epoch is not None and self.column is None:
            raise ValueError("epoch counts stand in one column: give column")
        return self._clock_and_date()

    def _clock_and_date(self) -> Self:
        has_date = self.date_column is not None or self.date_in_path is not None
        clock = self.time_column if self.column is None else self.column
        if self.since_midnight is not None and (clock is None or not has_date or self.zone is None):
            raise ValueError(
                "since_midnight needs the count's column, a date (date_in_path or date_column) and zone"
            )
        if self.column is None and not has_date:
            raise ValueError("give column, or a date (date_column or date_in_path) with time_column")
        return self


class LayoutPart(Part):
    """How the bytes are cut into fields."""

    format: Literal["csv", "ecb_csv", "fred_json", "parquet", "nyfed_json"] = "csv"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    header: Literal["line", "none", "yfinance"] = "line"
    skip_lines: Annotated[int, Field(ge=0)] = 0
    skip_lines_after_header: Annotated[int, Field(ge=0)] = 0
    encoding: str = "utf-8-sig"
    member: str | None = None

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError as error:
            raise ValueError(f"'{name}' is no text encoding that Python knows") from error
        return name


class ValuesPart(Part):
    """How fields become numbers: number = field / divisor * multiplier."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    nulls: list[str] = list(NULL_MARKERS)
    price_divisor: Annotated[float, Field(gt=0)] = 1
    price_multiplier: Annotated[float, Field(gt=0)] = 1
    volume_multiplier: Annotated[float, Field(gt=0)] = 1
    has_volume: bool = True
    float32: bool = False

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands can't be the same mark")
        return self


class RecordedSet(Part):
    """Files that are read in the same way."""

    name: Annotated[str, Field(min_length=1)]
    files: Globs
    dataset: Literal[
        "bars", "fx", "index_levels", "index_members", "observations", "series", "sofr", "vintages"
    ]
    source: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    received: AwareDatetime
    interval: Literal["1m", "2m", "5m", "15m", "30m", "1h", "1d"] | None = None
    adjustment: Literal["raw", "split", "split_dividend"] | None = None
    rate: str | None = None
    series: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")] | None = None
    index: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")] | None = None
    until: Literal["inclusive", "exclusive"] | None = None
    region: str = ""
    category: str = ""
    quality_flags: list[str] = []
    tags: list[str] = []
    overlaps: list[str] = []
    skip: list[Skip] = []
    instrument: InstrumentPart | None = None
    time: TimePart | None = None
    layout: LayoutPart = LayoutPart()
    values: ValuesPart = ValuesPart()
    columns: dict[str, ColumnName] = {}

    @model_validator(mode="after")
    def _fits_its_dataset(self) -> Self:
        missing = [key for key in self._needed() if getattr(self, key) is None]
        if missing:
            raise ValueError(f"a set of {self.dataset} needs {', '.join(missing)}")
        unknown = sorted(self.columns.keys() - set(self.known_columns()))
        if unknown:
            raise ValueError(
                f"columns {', '.join(unknown)} unknown; known are {', '.join(self.known_columns())}"
            )
        if self.layout.header == "none" and not self._positions_only():
            raise ValueError("without a header, name every column by its position, from 0")
        return self

    @model_validator(mode="after")
    def _has_its_format(self) -> Self:
        if self.layout.format not in FORMATS[self.dataset]:
            raise ValueError(f"a set of {self.dataset} is read as {', '.join(FORMATS[self.dataset])}")
        mapped = MAPPED.get(self.dataset, ()) if self.layout.format in ("csv", "parquet") else ()
        missing = [name for name in mapped if name not in self.columns]
        if missing:
            raise ValueError(f"say in columns which field is {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _says_its_label(self) -> Self:
        if self.dataset == "bars" and self.interval != "1d" and self.time and self.time.label is None:
            raise ValueError("say in time.label whether a stamp is the bar's 'start' or its 'end'")
        return self

    def known_columns(self) -> tuple[str, ...]:
        """Return the names that `columns` may map."""
        return KNOWN_COLUMNS[self.dataset]

    def column_map(self) -> dict[str, ColumnName]:
        """Return which field of the file feeds which column; a column not mapped has findata's own name."""
        if self.dataset != "bars":
            return dict(self.columns)
        needed = BAR_COLUMNS if self.values.has_volume else BAR_COLUMNS[:-1]
        return {name: self.columns.get(name, name) for name in needed} | self.columns

    def _needed(self) -> tuple[str, ...]:
        if self.dataset == "bars":
            return ("interval", "adjustment", "instrument", "time")
        if self.dataset == "sofr":
            return () if self.layout.format == "nyfed_json" else ("time",)
        if self.layout.format == "fred_json":
            return () if self.dataset == "series" else ("series",)
        return NEEDED[self.dataset]

    def _positions_only(self) -> bool:
        times = self.time
        named = [times.column, times.date_column, times.time_column] if times else []
        named.append(self.instrument.column if self.instrument else None)
        return not any(isinstance(name, str) for name in (*named, *self.column_map().values()))


class Manifest(Part):
    """A whole manifest: sets of files, and files that are left out on purpose."""

    title: str = ""
    set: Annotated[list[RecordedSet], Field(min_length=1)]
    skip: list[Skip] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [item.name for item in self.set]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"several sets are called {', '.join(doubled)}; names must differ")
        unknown = sorted({other for item in self.set for other in item.overlaps} - {*names})
        if unknown:
            raise ValueError(f"overlaps names {', '.join(unknown)}, which is no set's name")
        return self


def load_manifest(path: Path) -> Manifest:
    """Read and check a manifest; ConfigurationError lists every mistake and where it stands."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The manifest {path} can't be read: {error.strerror}",
            "Write one as docs/providers/recorded.md shows, or name it with --manifest",
        ) from error
    try:
        return manifest_from(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not TOML: {error}", "Mend that line") from error
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} has mistakes: {'; '.join(_mistakes(error))}", "Compare with docs/providers/recorded.md"
        ) from error


def manifest_from(content: Mapping[str, Any]) -> Manifest:
    """Return the manifest that this content describes; pydantic's ValidationError says what is wrong."""
    return Manifest.model_validate(content)


def _mistakes(error: ValidationError) -> list[str]:
    return [f"{_place(item['loc'])}: {_words(item)}" for item in error.errors()]


def _place(location: tuple[int | str, ...]) -> str:
    parts = [f"#{part + 1}" if isinstance(part, int) else part for part in location]
    return ".".join(part for part in parts if part not in {"str", "int"}) or "the manifest"


def _words(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "this key is unknown (misspelt?)"
    if item["type"] == "missing":
        return "this key is missing"
    return f"{item['msg'].removeprefix('Value error, ')}, not {item['input']!r}"[:300]
