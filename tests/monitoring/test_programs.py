"""Programs that are missing: tests skip, or fail where they are required; only root is let install them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from findata_resources.environment import PROJECT
from tests.monitoring.programs import REQUIRED, program, run


def test_a_missing_program_skips_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install prometheus"):
        program("no-such-program")


def test_a_missing_program_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="is not installed"):
        program("no-such-program")


def folder_of_programs(folder: Path, *, user: int) -> Path:
    """Make a PATH with a shell, an `id` that tells of a user, and an apt-get that only notes what it is asked."""
    for name in ("bash", "cat", "chmod", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    asked = folder / "asked"
    for name, body in {
        "id": f"echo {user}",
        "apt-get": f'echo "$DEBIAN_FRONTEND $*" >> {asked}',
        "timeout": 'shift; "$@"',
    }.items():
        (folder / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
        (folder / name).chmod(0o755)
    return asked


def test_only_root_installs_and_others_are_told_what(tmp_path: Path) -> None:
    asked = folder_of_programs(tmp_path, user=1000)
    ended = run(str(shutil.which("bash")), PROJECT / "scripts" / "install_programs", PATH=str(tmp_path))
    assert (ended.returncode, asked.exists()) == (1, False)
    assert "only root may install prometheus prometheus-alertmanager chromium nodejs npm" in ended.stderr
    assert "apt-get install prometheus prometheus-alertmanager chromium nodejs npm" in ended.stderr


@pytest.mark.skipif(not Path("/usr/sbin/policy-rc.d").exists(), reason="it would be written on this machine")
def test_root_installs_what_is_missing_without_a_question_and_without_recommendations(tmp_path: Path) -> None:
    asked = folder_of_programs(tmp_path, user=0)
    ended = run(str(shutil.which("bash")), PROJECT / "scripts" / "install_programs", PATH=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    update, install = asked.read_text().splitlines()
    assert update.endswith(" update")
    assert install.startswith("noninteractive ")
    assert install.endswith(
        "install -y --no-install-recommends prometheus prometheus-alertmanager chromium nodejs npm"
    )
