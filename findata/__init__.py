"""The contract, generated from proto/ by scripts/generate.py; never edited."""

from importlib.resources import files

from google.protobuf.descriptor_pb2 import FileDescriptorSet


def descriptor_set() -> FileDescriptorSet:
    """Return every message of proto/ with its options and comments (a buf image)."""
    return FileDescriptorSet.FromString((files("findata") / "contract.binpb").read_bytes())
