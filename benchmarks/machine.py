"""What results were measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, Any]:
    """Processor, Python, versions of these packages, and the day."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "date": datetime.now(UTC).date().isoformat(),
    }


def processor() -> str:
    """Its name, as well as the system tells it, and by what instructions it multiplies bfloat16, if it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    halves = ", ".join(flag for flag in flags if flag.endswith("_bf16"))
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name} ({halves})" if halves else name
