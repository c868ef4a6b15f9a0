"""A real browser on the real page: starting it, opening tabs, what a tab must not do.

What belongs here: driving. What does not: expectations of one feature (the tests).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, sync_playwright

from tests.monitoring.programs import REQUIRED

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)
PATIENCE_MILLISECONDS = 60_000


def chromium() -> str:
    """Return where Chromium is; skip, or fail where it is required, if it is not installed."""
    found = shutil.which("chromium")
    if found is not None:
        return found
    reason = "chromium is not installed (apt-get install chromium)"
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Yield a browser with a new profile; it is closed at the end."""
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A page of its own profile. `complaints`: errors of the console and of scripts, requests to other hosts."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, page: str = "chart", **state: str) -> None:
        """Open a page in a state, as an address that somebody shared, and wait until it is shown."""
        query = urlencode(state)
        self.page.goto(f"{self.address}/#/{page}{'?' if query else ''}{query}")
        self.settle(page)

    def settle(self, page: str = "chart") -> None:
        """Wait until nothing is loading."""
        host = "#rate-chart" if page == "rates" else "#chart"
        self.page.wait_for_selector(
            f'{host}:not([data-state="loading"], [data-state="settling"])',
            timeout=PATIENCE_MILLISECONDS,
            state="attached",
        )

    def shown(self, host: str = "#chart") -> dict[str, str]:
        """Return what is drawn, as the chart's attributes tell it."""
        return dict(self.page.locator(host).evaluate("node => ({...node.dataset})"))

    def expect(self, selector: str) -> Any:
        """Wait for something to be seen, and return it."""
        found = self.page.locator(selector).first
        found.wait_for(timeout=PATIENCE_MILLISECONDS)
        return found

    def width(self) -> int:
        """Return how wide the page is with all that it holds."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@contextmanager
def tab(browser: Browser, address: str, viewport: ViewportSize = DESKTOP, **options: Any) -> Iterator[Tab]:
    """Yield a tab; it is an error if the page complains or asks anybody but its own server."""
    context = browser.new_context(viewport=viewport, **options)
    opened = Tab(context.new_page(), address)
    host = urlsplit(address).netloc

    def console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            opened.complaints.append(message.text)

    def request(asked: Request) -> None:
        if urlsplit(asked.url).netloc != host:
            opened.complaints.append(f"asked {asked.url}")

    opened.page.on("console", console)
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("request", request)
    try:
        yield opened
    finally:
        context.close()
    assert opened.complaints == []
