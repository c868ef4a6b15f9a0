"""The kinds of values that a manifest's keys hold, and what is wrong with other ones.

What belongs here: types with their checks. The keys themselves are in recorded_manifest.py.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

# What programs write for "no value": pandas ("", "nan", "NaT"), R ("NA"), Excel ("#N/A"), SQL ("NULL"),
# FRED ("."), the ECB ("N/A").
NULL_MARKERS = ("", ".", "#N/A", "N/A", "NA", "NULL", "NaN", "NaT", "None", "nan", "null")

ColumnName = str | int  # an int is a position, from 0


def _inside(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if not pattern or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"'{pattern}' must be a glob below the folder that is loaded, without '..'")
    return pattern


def group(name: str) -> AfterValidator:
    def check(pattern: str) -> str:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a regular expression: {error}") from error
        if name not in compiled.groupindex:
            raise ValueError(f"'{pattern}' needs a group (?P<{name}>...)")
        return pattern

    return AfterValidator(check)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is no IANA time zone; write for example 'America/New_York' or 'UTC'")
    return name


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Glob = Annotated[str, AfterValidator(_inside)]
Globs = Annotated[list[Glob], BeforeValidator(_list), Field(min_length=1)]
Mic = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
PriceUnits = Annotated[int, Field(ge=1)]
Zone = Annotated[str, AfterValidator(_known_zone)]
