"""One browser and one server for the tests of the page, over the sample and what was said later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import load_recorded
from findata_serving.app import create_app
from tests.conftest import CALENDAR_START, SAMPLE, MakePlatform, load_sample
from tests.page.driving import Tab, browsing, tab
from tests.serving.served import listening, settings_of

LATER = Path(__file__).parent / "later"
OpenTab = Callable[..., AbstractContextManager[Tab]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; each test has a profile of its own in it."""
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def platform(browser: Browser, make_module_platform: MakePlatform) -> Platform:
    """The sample, one minute and one fixing that were revised later, and a row that was set aside."""
    platform = make_module_platform(universe=SAMPLE / "universe.csv", calendar_start=CALENDAR_START)
    load_sample(platform)
    for dataset in ("bars", "rates"):
        load_recorded(platform, LATER, None, dataset)
    run_due(platform)
    return platform


@pytest.fixture(scope="module")
def address(platform: Platform) -> Iterator[str]:
    """Where the page is served."""
    with listening(app_of(platform)) as address:
        yield address


@pytest.fixture
def open_tab(browser: Browser, address: str) -> OpenTab:
    """Opens tabs, each with a profile of its own."""
    return partial(tab, browser, address)


def app_of(platform: Platform, **changes: Any) -> Any:
    """Return the app over a platform; tests ask more often than a reader may."""
    return create_app(settings_of(platform, serving_requests_per_minute=0, **changes))
