"""The sensor that notices payloads which wait for a decision: the checks that name them are judged at once.

What belongs here: noticing. What does not: naming them and saying what to do (findata_assets/checks/held.py), deciding.
"""

import hashlib

import dagster as dg

from findata_assets.resource import PlatformResource
from findata_assets.steps.bar_sources import BAR_PROVIDERS
from findata_assets.steps.holding import held_payloads, hex_id

SECONDS_BETWEEN_LOOKS = 300

_HELD = [*(["raw", source, "bars"] for source in BAR_PROVIDERS), ["raw", "recorded", "securities"]]
waiting_job = dg.define_asset_job(
    "quarantine_waiting",
    selection=dg.AssetSelection.checks(*(dg.AssetCheckKey(dg.AssetKey(key), "held") for key in _HELD)),
    description="Judges whether payloads wait for a decision: findata quarantine list.",
)


@dg.sensor(
    name="quarantine_waiting",
    job=waiting_job,
    minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Has the checks of held payloads judged when one was held, released or rejected.",
)
def quarantine_waiting(context: dg.SensorEvaluationContext, platform: PlatformResource) -> dg.SensorResult:
    """Ask for the checks when the set of held payloads is another one; the cursor is its hash, "" for none."""
    held = sorted(map(hex_id, held_payloads(platform.steps).get_column("payload_id")))
    state = hashlib.sha256("|".join(held).encode()).hexdigest()[:20] if held else ""
    if state == (context.cursor or ""):
        return dg.SensorResult(
            skip_reason=f"{len(held)} payloads wait for a decision, as before", cursor=state
        )
    moment = f"{platform.steps.clock.now():%Y%m%dT%H%M%S}"  # the same payloads may be held again
    request = dg.RunRequest(run_key=f"held/{state or 'none'}/{moment}")
    return dg.SensorResult(run_requests=[request], cursor=state)
