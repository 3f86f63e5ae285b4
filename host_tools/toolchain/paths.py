"""Where things are: the project, what is built, and what MicroPython may import."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
VENV = BUILD / "venv"
MICROPYTHON_HOME = BUILD / "micropython"
UPY_PACKAGES = BUILD / "upy"


def micropython_path(*before: Path, board: str = "sim") -> str:
    """MICROPYPATH for a process that runs `board`; `before` goes in front.

    `.frozen` comes last: a frozen module must never hide one of the project's.
    """
    folders = (
        *before,
        ROOT / "boards" / board,
        ROOT / "boards" / "parts",
        ROOT / "firmware",
        ROOT / "firmware" / "shims",
        UPY_PACKAGES / "modbus",
        UPY_PACKAGES / "logging",
    )
    return ":".join([*(str(folder) for folder in folders), ".frozen"])
