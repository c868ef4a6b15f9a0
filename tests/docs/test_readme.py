"""README.md: the questions it asks have the answers that it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import NamedTuple

import pytest

from findata_assets.steps.platform import Platform
from findata_resources.environment import PROJECT, child_environment, settings_environment

README = (PROJECT / "README.md").read_text(encoding="utf-8")
# A command in a block of its own, and the block after it with what it prints.
QUESTION = re.compile(r"```sh\n(findata sql (?:(?!```).)*?)```\s*```text\n(.*?)```", re.DOTALL)


class Question(NamedTuple):
    """The arguments of a command, and the lines of its answer: empty ones and spaces at ends left out."""

    arguments: list[str]
    answer: list[str]


def lines_of(text: str) -> list[str]:
    """Return the lines that are not empty, without spaces at their ends."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def questions() -> list[Question]:
    """Return the questions of README.md as a shell would hand them to the command."""
    return [
        Question(shlex.split(command)[1:], lines_of(answer)) for command, answer in QUESTION.findall(README)
    ]


def test_readme_asks_five_questions() -> None:
    assert len(questions()) == README.count("findata sql") == 5


@pytest.mark.parametrize("question", questions(), ids=["candles", "weeks", "averages", "coverage", "signals"])
def test_the_answer_in_readme_is_what_the_command_prints(question: Question, loaded_sample: Platform) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "findata_cli", *question.arguments],
        cwd=PROJECT,
        env=child_environment(settings_environment(loaded_sample.settings)),
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert lines_of(done.stdout) == question.answer
