"""Anyone's recorded history, taken from a folder that a manifest describes."""

from pathlib import Path
from typing import Any

import dagster as dg

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.sources import RECORDED_ASSETS, Loaded, load_recorded


class RecordedFolder(dg.Config):
    """Which folder to load; the manifest defaults to recorded.toml inside it. No folder: nothing to load."""

    directory: str = ""
    manifest: str = ""


@asset(
    key=["raw", "recorded", "bars"],
    deps=[["reference", "instruments"]],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Bar files of a folder, byte for byte on S3 with what its manifest says of them.",
)
def recorded_bars(config: RecordedFolder, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the bar files of a folder."""
    return _load(config, platform, "bars")


@asset(
    key=["raw", "recorded", "rates"],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Files of fixings and published averages of a folder, byte for byte on S3.",
)
def recorded_rates(config: RecordedFolder, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the rate files of a folder."""
    return _load(config, platform, "rates")


@asset(
    key=["raw", "recorded", "economic"],
    group_name="raw",
    kinds={"s3", "csv", "json"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Files of series, exchange rates, index levels and members of a folder, byte for byte on S3.",
)
def recorded_economic(config: RecordedFolder, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the files of series, exchange rates and indices of a folder."""
    return _load(config, platform, "economic")


@asset(
    key=["raw", "recorded", "actions"],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Files of splits and dividends of a folder, byte for byte on S3.",
)
def recorded_actions(config: RecordedFolder, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the files of splits and dividends of a folder."""
    return _load(config, platform, "actions")


@asset(
    key=["raw", "recorded", "securities"],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Lists of securities of a folder, byte for byte on S3; one in which a third changed at once is held.",
)
def recorded_securities(config: RecordedFolder, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the lists of securities of a folder."""
    return _load(config, platform, "securities")


def _load(config: RecordedFolder, platform: PlatformResource, name: str) -> dg.MaterializeResult[None]:
    manifest = Path(config.manifest) if config.manifest else None

    def load() -> Loaded:
        directory = Path(config.directory)
        parts = (
            load_recorded(platform.steps, directory, manifest, dataset) for dataset in RECORDED_ASSETS[name]
        )
        return sum(parts, Loaded())

    return dg.MaterializeResult(metadata=loaded_metadata(attempt(load) if config.directory else Loaded()))


def loaded_metadata(loaded: Loaded) -> dict[str, Any]:
    """Return what a folder brought as metadata: counts, a table of sets, a table of skipped files."""
    total = loaded.total
    return {
        "payloads_new": total.payloads_new,
        "payloads_known": total.payloads_known,
        "rows_answered": total.rows_answered,
        "rows_refused": total.rows_refused,
        "sets": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "set": name,
                        "files": intake.payloads_new,
                        "known": intake.payloads_known,
                        "rows": intake.rows_answered,
                        "refused": intake.rows_refused,
                    }
                )
                for name, intake in loaded.sets.items()
            ],
            schema=dg.TableSchema(
                columns=[
                    dg.TableColumn("set"),
                    *(dg.TableColumn(name, "int") for name in ("files", "known", "rows", "refused")),
                ]
            ),
        ),
        "skipped": dg.MetadataValue.table(
            [dg.TableRecord({"file": item.path, "reason": item.reason}) for item in loaded.skipped],
            schema=dg.TableSchema(columns=[dg.TableColumn("file"), dg.TableColumn("reason")]),
        ),
    }
