"""A run of make whose output goes into a log, and of which one line is left when it fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def make(folder: Path, options: list[str], log: Path) -> str:
    """Run make in `folder` and add what it says to `log`; "" or the first error there."""
    with log.open("a") as output:
        done = subprocess.run(
            ["make", "-C", str(folder), f"-j{os.cpu_count() or 1}", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=clean_environment(),
        )
    return f"{_first_error(log)} (all of it: {log})" if done.returncode else ""


def clean_environment() -> dict[str, str]:
    """The environment without what an outer make hands down (its flags and variables)."""
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MAKEFILES")
    return {name: value for name, value in os.environ.items() if name not in outer}


def _first_error(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    errors = [line for line in lines if "error" in line.lower() or "***" in line]
    return (errors or lines or ["make failed"])[0].strip()
