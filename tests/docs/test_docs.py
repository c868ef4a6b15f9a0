"""The documents: generated ones are current, links lead somewhere, names are real, no machine is named."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from typer.main import get_command

from findata_cli.main import app
from findata_core.schema.docs import main as write_table_pages
from findata_resources.environment import CLIENT_VARIABLES, PROJECT, Settings, variable_of
from scripts.generate import generate

# Settings of the tests themselves, described in CONTRIBUTING.md; no settings of findata.
TEST_VARIABLES = {"FINDATA_REQUIRE_PROGRAMS", "FINDATA_TRIAL_DATA"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
# Folders in which people and services work; programs and packages lie elsewhere.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/<>-])/(?:home|Users|root|work|workspace|builds|mnt)/\w")
URL_HOST = re.compile(r"https?://([\w.-]+)", re.ASCII)
LOCAL_HOSTS = {"127.0.0.1", "localhost"}
# Services find each other by name, wherever compose starts them.
COMPOSE_HOSTS = set(yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"])
# What only one place's network has: names without a domain, reserved and invented ones, mirrors, proxies.
PRIVATE_HOST = re.compile(
    r"^[^.]+$|\.(?:internal|intranet|corp|lan|local|home)$|^(?:10|172|192|100)\.\d"
    r"|(?:^|[.-])(?:artifactory|nexus|mirror|proxy|registry)s?(?:[.-]|$)"
)


def test_the_generated_package_is_current(tmp_path: Path) -> None:
    generate(tmp_path)
    assert _contents(PROJECT / "findata") == _contents(tmp_path / "findata")


def test_the_pages_of_the_tables_are_current(tmp_path: Path) -> None:
    write_table_pages(tmp_path)
    assert _contents(PROJECT / "docs" / "data") == _contents(tmp_path)


def test_every_link_leads_to_a_file_or_heading() -> None:
    assert [f"{page}: {link}" for page, link in _links() if not _leads_somewhere(page, link)] == []


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("CONTRIBUTING.md", True),
        ("docs/README.md#decisions", True),
        ("docs/README.md#no-such-heading", False),
        ("docs/no_such_file.md", False),
    ],
)
def test_links_that_lead_nowhere_are_told_apart(link: str, leads: bool) -> None:
    assert _leads_somewhere(Path("README.md"), link) is leads


def test_the_index_names_every_page() -> None:
    index = PROJECT / "docs" / "README.md"
    named = {(index.parent / link).resolve() for page, link in _links() if PROJECT / page == index}
    pages = {path for path in (PROJECT / "docs").rglob("*.md") if path.parent.name != "data"}
    assert sorted(map(str, pages - named - {index})) == []


def test_the_map_has_fewer_than_a_hundred_lines() -> None:
    assert len((PROJECT / "AGENTS.md").read_text(encoding="utf-8").splitlines()) < 100


def test_files_that_the_map_and_the_recipes_name_exist() -> None:
    named = {
        path
        for page in ("AGENTS.md", "CONTRIBUTING.md")
        for path in re.findall(r"`((?:[a-z_]+/)+[a-z_0-9]+\.(?:py|toml|md|proto|binpb))`", _text(Path(page)))
    }
    assert sorted(path for path in named if not (PROJECT / path).exists()) == []


def test_settings_that_documents_name_are_settings() -> None:
    known = {variable_of(name) for name in Settings.model_fields} | TEST_VARIABLES | CLIENT_VARIABLES
    named = {
        (str(page), name)
        for page in _pages()
        for name in re.findall(r"FINDATA_[A-Z0-9_]*[A-Z0-9]", _text(page))
    }
    assert sorted((page, name) for page, name in named if name not in known) == []


def test_commands_that_documents_name_are_commands_with_these_options() -> None:
    named = _commands()
    helps = {command: _help(command) for command in named}
    assert [command for command, text in helps.items() if not text] == []
    assert [
        f"{name} {option}" for name in named for option in sorted(named[name]) if option not in helps[name]
    ] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    here = str(PROJECT)
    found = [
        f"{path}: {line.strip()[:120]}"
        for path in _text_files()
        for line in _text(path).splitlines()
        if here in line or MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_file_names_a_host_that_only_one_place_reaches() -> None:
    hosts = {(str(path), host) for path in _text_files() for host in URL_HOST.findall(_text(path))}
    assert sorted((path, host) for path, host in hosts if _is_private(host)) == []


def test_the_lock_names_no_place_to_fetch_from() -> None:
    assert (
        re.findall(
            r"^--(?:extra-)?index-url.*|^--find-links.*| @ \S+",
            _text(Path("requirements.lock")),
            re.MULTILINE,
        )
        == []
    )


@pytest.mark.parametrize("folder", ["home", "root", "Users"])
def test_a_place_of_one_machine_is_recognised(folder: str) -> None:
    assert MACHINE_PATH.search(f"cd /{folder}/someone")


@pytest.mark.parametrize(
    "line", ["https://example.com/home/page", "findata/data/in", "~/.local/share/findata", "raw/root/x"]
)
def test_other_paths_are_not_taken_for_one(line: str) -> None:
    assert not MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    ("host", "is_private"),
    [
        ("pypi-mirror.example.com", True),
        ("build", True),
        ("files.corp", True),
        ("10.0.0.7", True),
        ("127.0.0.1", False),
        ("github.com", False),
        ("s3.example.com", False),
    ],
)
def test_hosts_of_one_place_are_recognised(host: str, is_private: bool) -> None:
    assert _is_private(host) is is_private


def _is_private(host: str) -> bool:
    return host not in LOCAL_HOSTS | COMPOSE_HOSTS and bool(PRIVATE_HOST.search(host))


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _links() -> Iterator[tuple[Path, str]]:
    """Yield the page (below the project) and target of every link that is not in a code block."""
    for page in _pages():
        for link in LINK.findall(CODE_BLOCK.sub("", _text(page))):
            yield page, link


def _leads_somewhere(page: Path, link: str) -> bool:
    """Tell whether a link of a page has a target; other sites are not asked."""
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme in ("http", "https")
    target = (PROJECT / page).parent / parts.path if parts.path else PROJECT / page
    return target.exists() and (not parts.fragment or parts.fragment in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


GROUPS = {"instrument", "quarantine"}  # commands whose parts have options of their own


def _commands() -> dict[str, set[str]]:
    """Return findata's commands in the code of all pages, each with the options that stand behind it.

    A command of a group (findata rates compound) is its two words.
    """
    found: dict[str, set[str]] = {}
    groups = "|".join(sorted(str(group.name) for group in app.registered_groups))
    named = rf"(?:(?:{groups}) [a-z][a-z-]*|[a-z][a-z-]*)"
    for page in _pages():
        blocks = "\n".join(block.group() for block in CODE_BLOCK.finditer(_text(page)))
        spans = "\n".join(re.findall(r"`([^`\n]+)`", CODE_BLOCK.sub("", _text(page))))
        for command, rest in re.findall(
            rf"(?:^ *|/bin/)findata ({named})([^\n&#]*)", f"{blocks}\n{spans}", re.MULTILINE
        ):
            part = re.match(r" ([a-z-]+)", rest) if command in GROUPS else None
            name = f"{command} {part.group(1)}" if part else command
            found.setdefault(name, set()).update(re.findall(r"--[a-z][a-z-]*", rest))
    return dict(sorted(found.items()))


def _help(command: str) -> str:
    """Return what a command and the commands below it say of themselves; "" if there is no such command."""
    words = command.split()
    known = getattr(get_command(app), "commands", {}).get(command)
    below = [[*words, name] for name in getattr(known, "commands", {})]
    return "".join(_said(each) for each in [words, *below])


def _said(words: list[str]) -> str:
    asked = [sys.executable, "-m", "findata_cli", *words, "--help"]
    return subprocess.run(asked, cwd=PROJECT, capture_output=True, check=False, text=True).stdout


def _pages() -> list[Path]:
    return [path for path in _project_files() if path.suffix == ".md"]


def _text_files() -> Iterator[Path]:
    for path in _project_files():
        if b"\0" not in (PROJECT / path).read_bytes()[:8192]:
            yield path


def _project_files() -> list[Path]:
    """Return the files that git tracks or would track, relative to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode != 0:
        pytest.skip("only a git checkout knows which files belong to the project")
    return sorted({Path(name) for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()})


def _text(path: Path) -> str:
    return (PROJECT / path).read_text(encoding="utf-8", errors="replace")
