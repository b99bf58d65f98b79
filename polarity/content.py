"""Names of mappings whose values are of any type."""

from typing import Any

Config = dict[str, Any]
"""A configuration whose interpolations are resolved, or a section of it; only :mod:`polarity.config` reads its keys."""

Json = dict[str, Any]
"""An object of a JSON file, written or read."""

State = dict[str, Any]
"""What a checkpoint holds of an object, or a checkpoint: plain containers and tensors."""
