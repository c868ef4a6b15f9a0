"""Files that somebody has dropped into the inbox on S3, taken in once each."""

from typing import Any

import dagster as dg
from pydantic import Field

from findata_assets.betas import asset
from findata_assets.contract import OWNERS, attempt
from findata_assets.resource import PlatformResource
from findata_assets.steps.inbox import Taken, inbox_of, take_inbox


class DroppedFiles(dg.Config):
    """Which files to take in: key -> version, as the sensor `inbox` saw them. None named: all that are there."""

    files: dict[str, str] = Field(default_factory=dict)


@asset(
    key=["raw", "recorded", "inbox"],
    deps=[["reference", "instruments"], ["reference", "sessions"]],
    group_name="raw",
    kinds={"s3", "csv"},
    owners=OWNERS,
    tags={"layer": "raw"},
    description="Files dropped below inbox/ of the bucket, byte for byte on S3 with what the manifest beside them "
    "says: each content once. What can't be read goes to inbox-refused/ with the reason.",
)
def recorded_inbox(config: DroppedFiles, platform: PlatformResource) -> dg.MaterializeResult[None]:
    """Receive the files, and take them out of the inbox."""
    steps = platform.steps
    taken = attempt(lambda: take_inbox(steps, config.files or inbox_of(steps).waiting()))
    return dg.MaterializeResult(metadata=_metadata(taken))


def _metadata(taken: Taken) -> dict[str, Any]:
    """Return what became of the files."""
    records = [dg.TableRecord({"file": key, "reason": reason}) for key, reason in taken.refused]
    schema = dg.TableSchema(columns=[dg.TableColumn("file"), dg.TableColumn("reason")])
    return {
        "files_taken": len(taken.taken),
        "files_known": len(taken.known),
        "files_refused": len(taken.refused),
        "files_left": len(taken.left),
        "payloads_new": taken.intake.payloads_new,
        "rows_answered": taken.intake.rows_answered,
        "rows_refused": taken.intake.rows_refused,
        "refused": dg.MetadataValue.table(records, schema=schema),
    }
