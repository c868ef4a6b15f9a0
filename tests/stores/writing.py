"""What a second process does in tests: open the same stores and write."""

from pathlib import Path

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import platform_at
from findata_resources.environment import Settings, resolve_endpoints
from tests.steps.folders import take_in


def take_in_and_run(settings: Settings, folders: list[Path]) -> None:
    """Receive folders one after the other and do what is due after each, as a run of its own would."""
    platform = platform_at(settings, resolve_endpoints(settings))
    try:
        for folder in folders:
            take_in(platform, folder)
            run_due(platform)
    finally:
        platform.close()
