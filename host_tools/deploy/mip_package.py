"""Packages for `mpremote mip install`: of the sources, and of a board's compiled program."""

from __future__ import annotations

import json
from pathlib import Path

from gateway import VERSION
from host_tools.deploy import boards, program
from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT

SOURCES = ROOT / "firmware" / "package.json"
# What the firmware imports of others: pinned as firmware/requirements.txt has them, as far as the
# index of micropython-lib has that version.
_DEPENDENCIES = [
    ["github:brainelectronics/micropython-modbus", "2.3.7"],
    ["logging", "latest"],
]


def build(check: bool) -> None:
    """Write firmware/package.json, or with `check` only compare; UserError when it differs."""
    text = of_sources()
    if not check:
        SOURCES.write_text(text)
        print(f"wrote {SOURCES.relative_to(ROOT)}")
    elif not SOURCES.is_file() or SOURCES.read_text() != text:
        raise UserError("firmware/package.json is not of these sources: gatewayctl package")


def of_sources() -> str:
    """The package of gateway and shims; addresses are relative to its own."""
    names = [name for name, path in program.firmware_sources()]
    urls = [[name, _below_firmware(name)] for name in names]
    return _text(urls, _DEPENDENCIES)


def write_compiled(board: str, out: Path) -> None:
    """A folder for any web server: the whole program of a board, with all that it needs."""
    files = program.compiled(boards.find(board))
    _write(files, out)
    print(f"wrote {len(files)} modules for {board} and package.json to {out}")


def write_sources(out: Path) -> None:
    """The same of the sources: gateway, shims and what they import of others."""
    found = [*program.firmware_sources(), *program.package_sources()]
    files = [program.DeviceFile(name, path.read_bytes()) for name, path in found]
    _write(files, out)
    print(f"wrote {len(files)} sources and package.json to {out}")


def _write(files: list[program.DeviceFile], out: Path) -> None:
    try:
        for file in files:
            path = out / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        (out / "package.json").write_text(_text([[file.path, file.path] for file in files], []))
    except OSError as error:
        raise UserError(f"{out}: {error.strerror}") from error


def _below_firmware(name: str) -> str:
    return name if name.startswith("gateway/") else f"shims/{name}"


def _text(urls: list[list[str]], dependencies: list[list[str]]) -> str:
    lines = ",\n".join(f"  {json.dumps(each)}" for each in urls)
    return (
        f'{{"version": "{VERSION}", "deps": {json.dumps(dependencies)}, "urls": [\n{lines}\n]}}\n'
    )
