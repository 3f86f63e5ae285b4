"""What the figures were measured on, and how quiet it was."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from host_tools.bench.native import compiler
from host_tools.toolchain.interpreter import Found, locate

BUSY_LOAD = 0.5  # of the last minute, before anything was measured


def describe() -> dict[str, Any]:
    """Processor, system, versions, and the load before the first measurement."""
    found = locate()
    load = os.getloadavg()[0]
    return {
        "id": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "cpython": platform.python_version(),
        "micropython": found.version if isinstance(found, Found) else None,
        "compiler": _compiler_version(),
        "load_before": round(load, 2),
        "quiet": load < BUSY_LOAD,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.machine()])[0]


def _compiler_version() -> str:
    done = subprocess.run([compiler(), "--version"], capture_output=True, text=True)
    return done.stdout.partition("\n")[0]
