"""Everything that is derived from proto/ and committed: generated Python, the contract's image, table docs.

Run `python scripts/generate.py` after a change under proto/; a test proves that the committed files are current.
Only generation belongs here; what is generated at run time (SQL, Pandera, Arrow) is in findata_core/schema.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

PACKAGE_DOCSTRING = '"""Generated from proto/ by scripts/generate.py; never edited."""\n'

ROOT_MODULE = '''"""The contract, generated from proto/ by scripts/generate.py; never edited."""

from importlib.resources import files

from google.protobuf.descriptor_pb2 import FileDescriptorSet


def descriptor_set() -> FileDescriptorSet:
    """Return every message of proto/ with its options and comments (a buf image)."""
    return FileDescriptorSet.FromString((files("findata") / "contract.binpb").read_bytes())
'''


def generate(target: Path) -> None:
    """Write the package `findata` and `docs/data` below `target`."""
    package = target / "findata"
    package.mkdir(parents=True)
    run("buf", "build", "-o", str(package / "contract.binpb"))
    run("buf", "generate", "-o", str(target / "proto"))
    for folder in sorted(path for path in package.rglob("*") if path.is_dir()):
        (folder / "__init__.py").write_text(PACKAGE_DOCSTRING)
    (package / "__init__.py").write_text(ROOT_MODULE)
    (package / "py.typed").touch()


def run(*command: str) -> None:
    """Run one of this environment's own tools inside proto/."""
    tool = Path(sys.executable).parent / command[0]
    environment = {"PATH": f"{tool.parent}:/usr/bin:/bin", "HOME": str(Path.home())}
    subprocess.run([str(tool), *command[1:]], cwd=PROJECT / "proto", check=True, env=environment)


def replace(target: Path) -> None:
    """Put what was generated in place of what is committed."""
    shutil.rmtree(PROJECT / "findata", ignore_errors=True)
    shutil.copytree(target / "findata", PROJECT / "findata")
    # The docs read the contract that has just been written, so they come in a process of their own.
    subprocess.run(
        [sys.executable, "-m", "findata_core.schema.docs", str(PROJECT / "docs" / "data")],
        cwd=PROJECT,
        check=True,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        replace(Path(scratch))
