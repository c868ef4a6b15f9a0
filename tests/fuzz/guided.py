"""`python -m tests.fuzz.guided`: a search guided by coverage (Atheris) through every parser; a crash is an exit status.

What belongs here: instrumenting, and mapping bytes to parsers. What does not: the judgement (bodies).

Findata's providers are instrumented as they are imported; libFuzzer keeps what reaches new branches. The first
byte chooses the parser and its request, the rest is the body.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["findata_resources.providers", "findata_resources.provider"]):
    import findata_resources.providers

from tests.fuzz.bodies import judged, seeds

assert findata_resources.providers


def one(data: bytes) -> None:
    """Judge one input."""
    if data:
        judged(seeds()[data[0] % len(seeds())], data[1:])


def main() -> None:
    """Search; the arguments are libFuzzer's, and the folder that keeps what was found."""
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:02}").write_bytes(bytes([number]) + seed.body)
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
