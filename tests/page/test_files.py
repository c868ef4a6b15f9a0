"""The files of the page: all of them are packaged, none is fetched from elsewhere, what others wrote is as they published it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from findata_resources.environment import PROJECT
from findata_serving.web import pages
from tests.serving.served import listening

STATIC = PROJECT / "findata_serving" / "web" / "static"
VENDOR = STATIC / "vendor"
LIBRARY = VENDOR / "lightweight-charts"
OURS = sorted(path for path in STATIC.iterdir() if path.suffix in {".js", ".html", ".css", ".svg"})


def test_the_library_is_the_published_file_that_its_page_names() -> None:
    digest = hashlib.sha256((LIBRARY / "lightweight-charts.js").read_bytes()).hexdigest()
    said = (VENDOR / "README.md").read_text()
    version = re.search(
        r"Lightweight Charts™ v([\d.]+)", (LIBRARY / "lightweight-charts.js").read_text()[:300]
    )
    assert version is not None
    assert digest in said
    assert f"| {version[1]} |" in said


def test_the_librarys_licence_and_attribution_are_kept() -> None:
    assert "Apache License" in (LIBRARY / "LICENSE").read_text()
    assert "TradingView, Inc." in (LIBRARY / "NOTICE").read_text()
    footer = (STATIC / "index.html").read_text().partition("<footer>")[2]
    assert 'href="https://www.tradingview.com/"' in footer


def test_every_file_goes_into_the_wheel() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["findata_serving.web"]
    packaged = {path for pattern in patterns for path in STATIC.parent.glob(pattern) if path.is_file()}
    assert packaged == {path for path in STATIC.rglob("*") if path.is_file()}


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=\"", text)
    elsewhere = re.findall(r"https?://[\w.-]+", text)
    assert set(elsewhere) <= {"https://www.tradingview.com", "http://www.w3.org"}
    assert "innerHTML" not in text


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a server that has the page and nothing else."""
    app = FastAPI()
    pages.install(app)

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)  # not an app of findata's, whose server ends its streams

    with listening(bare) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/static/vendor/lightweight-charts/lightweight-charts.js"]
)
def test_the_page_forbids_what_it_does_not_need(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_above_the_pages_folder_is_served(client: httpx.Client) -> None:
    assert client.get("/static/../pages.py").status_code == 404
    assert client.get("/static/%2e%2e/pages.py").status_code == 404
