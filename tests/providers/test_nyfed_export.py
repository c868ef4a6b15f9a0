"""The New York Fed's exports: the recorded workbook, CSV of the same columns, and files that are none."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_core.errors import MalformedPayload
from findata_resources.providers import parse_payload
from findata_resources.providers.nyfed_export import HEADINGS, items
from findata_resources.providers.recorded_files import expand
from findata_resources.providers.recorded_manifest import manifest_from

HEADER = ",".join(HEADINGS)
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'


def workbook(rows: str, **others: str) -> bytes:
    """Return a workbook of one sheet with these rows (XML); further parts by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", SHEET.format(rows))
        for name, content in others.items():
            archive.writestr(f"xl/{name}.xml", content)
    return packed.getvalue()


def rows_of(folder: Path, file: str, source: str = "nyfed_export") -> dict[str, pl.DataFrame]:
    one: dict[str, Any] = {"name": "export", "files": file, "dataset": "rates", "source": source}
    one |= {"received": "2025-04-17T16:00:00Z", "layout": {"format": "nyfed_export"}}
    ((path, request),) = expand(folder, manifest_from({"set": [one]}))
    parsed = parse_payload(path.read_bytes(), json.loads(request.to_json()))
    return {part.table: part.rows for part in parsed}


def test_the_recorded_workbook_gives_its_rows(trial_data: Path) -> None:
    (rates,) = rows_of(trial_data / "rates" / "akaGD-13-SPY-Option-Trading", "SOFR.xlsx").values()
    assert rates.height == 25
    # The sheet's first row, as a spreadsheet shows it.
    assert rates.row(0, named=True) | {"row_number": 0} == {
        "row_number": 0,
        "rate": "SOFR",
        "source": "nyfed_export",
        "observation_date": date(2025, 4, 16),
        "rate_percent": 4.31,
        "percentile_1_percent": 4.28,
        "percentile_25_percent": 4.3,
        "percentile_75_percent": 4.37,
        "percentile_99_percent": 4.41,
        "volume_billions_usd": 2513.0,
        **dict.fromkeys(
            (
                "target_from_percent",
                "target_to_percent",
                "revision_indicator",
                "footnote_id",
                "publish_time",
                "intraday_low_percent",
                "intraday_high_percent",
                "standard_deviation_percent",
            )
        ),
    }


def test_the_workbook_says_what_others_have_of_the_same_days(trial_data: Path) -> None:
    (rates,) = rows_of(trial_data / "rates" / "akaGD-13-SPY-Option-Trading", "SOFR.xlsx").values()
    other = pl.read_csv(
        trial_data / "rates" / "JoaquinMulet-treasury-desk" / "SOFR.csv", try_parse_dates=True
    )
    joined = rates.join(other, left_on="observation_date", right_on="date")
    assert joined.height == 25
    assert joined["rate_percent"].to_list() == joined["value"].to_list()


def test_csv_of_the_same_columns_gives_rates_averages_and_marks(tmp_path: Path) -> None:
    body = (
        f"{HEADER}\r\n"
        "06/30/2022,SOFRAI,,,,,,,,,,,,1.08879,0.6987,0.39371,1.04443427,,\r\n"
        '06/29/2022,EFFR,1.58,1.45,1.57,1.58,1.6,"92",1.5,1.75,,,,,,,,Y,4\r\n'
        ",,,,,,,,,,,,,,,,,,\r\n"
    )
    (tmp_path / "export.csv").write_text(body)
    parsed = rows_of(tmp_path, "export.csv")
    columns = (
        "rate",
        "observation_date",
        "rate_percent",
        "target_to_percent",
        "revision_indicator",
        "footnote_id",
    )
    assert parsed["rates.rates"].select(columns).rows() == [("EFFR", date(2022, 6, 29), 1.58, 1.75, "Y", "4")]
    averages = parsed["rates.published_averages"]
    assert averages.select("rate", "average_30day_percent", "index_value").rows() == [
        ("SOFR", 1.08879, 1.04443427)
    ]


def test_a_trailing_comma_is_no_field_and_a_stray_one_makes_the_row_unreadable() -> None:
    body = "Effective Date,Rate Type,Rate (%)\n06/29/2022,SOFR,1.51,\n06/30/2022,SOFR,1,50\n06/31/2022,SOFR,N/A\n"
    assert items(body.encode()) == [
        {"effectiveDate": "2022-06-29", "type": "SOFR", "percentRate": "1.51"},
        {},
        {"effectiveDate": None, "type": "SOFR", "percentRate": "N/A"},
    ]


def test_shared_texts_and_cells_that_are_left_out_are_read() -> None:
    texts = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Effective Date</t></si><si><r><t>Rate </t></r><r><t>Type</t></r></si><si><t>Rate (%)</t></si></sst>'
    rows = (
        '<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c t="s"><v>2</v></c></row>'
        '<row><c r="A2" t="inlineStr"><is><t>06/30/2022</t></is></c><c r="C2"><v>1.5</v></c></row>'
    )
    assert items(workbook(rows, sharedStrings=texts)) == [
        {"effectiveDate": "2022-06-30", "percentRate": "1.5"}
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "'Effective Date', 'Rate Type', 'Rate \\(%\\)'"),
        (b"date,value\n2022-06-30,1.5\n", "no column 'Effective Date'"),
        (b"Effective Date,Rate Type\n06/30/2022,SOFR\n", "no column 'Rate \\(%\\)'"),
        (b"\xff\xfe", "neither a workbook nor CSV"),
        (b"PK\x03\x04 and no more", "workbook can't be read"),
        (workbook("<row>"), "workbook can't be read"),
        (workbook('<row><c r="ZZZ1"><v>1</v></c></row>'), "more than 1000 cells"),
        (workbook('<row><c t="s"><v>7</v></c></row>'), "no shared text 7"),
        (workbook('<row><c t="s"><v>x</v></c></row>'), "workbook can't be read"),
        (workbook("", sharedStrings='<!DOCTYPE x [<!ENTITY a "b">]><x/>'), "no part of a workbook"),
        (workbook(""), "empty"),
    ],
)
def test_a_file_that_is_no_export_says_what_it_lacks(body: bytes, words: str) -> None:
    with pytest.raises(MalformedPayload, match=f"{words}.*Next: .+"):
        items(body)


def test_a_workbook_without_a_sheet_is_malformed() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(MalformedPayload, match="workbook can't be read"):
        items(packed.getvalue())
