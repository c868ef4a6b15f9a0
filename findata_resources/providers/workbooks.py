"""The cells of an Excel workbook (.xlsx), as text.

What belongs here: as much of Office Open XML (ECMA-376) as a plain table needs: the first sheet, its numbers, texts
in place or shared. What does not: formulas' meaning, formats, styles; which column means what. Dates that are
numbers stay numbers: the exports that findata knows write theirs as text.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from findata_core.errors import MalformedPayload

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
SHEET, SHARED = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
MOST_BYTES = 50_000_000  # unpacked: a table of a rate's history has two million
MOST_COLUMNS = 1000
_BROKEN = "Save the workbook again as .xlsx, or export the table as CSV"


def is_workbook(body: bytes) -> bool:
    """Tell a workbook by its first bytes: it is a zip."""
    return body.startswith(b"PK")


def sheet_rows(body: bytes) -> list[list[str]]:
    """Return the rows of the first sheet; cells that are left out are "". MalformedPayload where it is no workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            shared = _shared(archive)
            return [_row(row, shared) for row in _parsed(archive, SHEET).iter(f"{MAIN}row")]
    except (
        KeyError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        ET.ParseError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise MalformedPayload(f"The workbook can't be read: {error}", _BROKEN) from error


def _parsed(archive: zipfile.ZipFile, name: str) -> ET.Element:
    if archive.getinfo(name).file_size > MOST_BYTES:
        raise ValueError(f"{name} has more than {MOST_BYTES} bytes")
    with archive.open(name) as member:
        content = member.read(MOST_BYTES + 1)
    if (
        len(content) > MOST_BYTES or b"<!DOCTYPE" in content
    ):  # no workbook has one; entities could fill the memory
        raise ValueError(f"{name} is no part of a workbook")
    return ET.fromstring(content)  # noqa: S314 - no DOCTYPE, so no entities; expat bounds the rest


def _shared(archive: zipfile.ZipFile) -> list[str]:
    if SHARED not in archive.namelist():
        return []
    return [_text(item) for item in _parsed(archive, SHARED).iter(f"{MAIN}si")]


def _row(row: ET.Element, shared: list[str]) -> list[str]:
    cells: list[str] = []
    for position, cell in _placed(row):
        if position >= MOST_COLUMNS:
            raise ValueError(f"a row has more than {MOST_COLUMNS} cells")
        cells += [""] * (position + 1 - len(cells))
        cells[position] = _value(cell, shared)
    return cells


def _placed(row: ET.Element) -> Iterator[tuple[int, ET.Element]]:
    """Yield each cell with its column, from 0: as its reference says (AB12), else the one after the last."""
    position = -1
    for cell in row.iter(f"{MAIN}c"):
        letters = re.match(r"[A-Z]{1,3}", cell.get("r", ""))
        position = _number(letters.group()) if letters else position + 1
        yield position, cell


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ET.Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _text(cell)
    value = cell.findtext(f"{MAIN}v") or ""
    if cell.get("t") != "s":
        return value
    position = int(value)
    if not 0 <= position < len(shared):
        raise ValueError(f"there is no shared text {position}")
    return shared[position]


def _text(element: ET.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{MAIN}t"))
