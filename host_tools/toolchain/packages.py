"""MicroPython packages from the configured package index into build/upy.

pip refuses source archives without setup.py or pyproject.toml, which is how MicroPython's are
published. Each is pinned by version and SHA-256; only the named folder is taken out of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import requests
from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple
from pypi_simple.errors import DigestMismatchError, NoDigestsError, NoSuchProjectError

from host_tools.errors import UserError
from host_tools.toolchain.paths import ROOT, UPY_PACKAGES
from host_tools.toolchain.progress import say, step

PINS_FILE = ROOT / "firmware" / "requirements.txt"
# package -> (folder below build/upy, import package taken from the archive)
FOLDERS = {
    "micropython-modbus": ("modbus", "umodbus"),
    "micropython-logging": ("logging", "logging"),
}
_PIN_LINE = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>\S+)\s+--hash=sha256:(?P<sha256>[0-9a-f]{64})"
)
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Pin:
    """One line of firmware/requirements.txt."""

    name: str
    version: str
    sha256: str


def read_pins(text: str) -> list[Pin]:
    """Parse `name==version --hash=sha256:...` lines; UserError on any other."""
    pins = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = _PIN_LINE.fullmatch(content)
        if match is None or match["name"] not in FOLDERS:
            raise UserError(
                f"firmware/requirements.txt line {number}: needs `name==version --hash=sha256:...`"
                f" of {', '.join(FOLDERS)}"
            )
        pins.append(Pin(match["name"], match["version"], match["sha256"]))
    return pins


def fetch_all(pins: list[Pin], into: Path = UPY_PACKAGES) -> None:
    """Download, check and unpack every pin below `into`; UserError says what went wrong."""
    settings = pip_settings()
    with tempfile.TemporaryDirectory() as scratch, requests.Session() as session:
        if "cert" in settings:
            session.verify = settings["cert"]
        index = PyPISimple(settings.get("index-url", PYPI_SIMPLE_ENDPOINT), session=session)
        for pin in pins:
            archive = download(pin, index, Path(scratch))
            folder, package = FOLDERS[pin.name]
            unpack(archive, package, into / folder)


def pip_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`index-url` and `cert` as pip is configured, the environment before its files."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, env=environment).stdout
    settings = {}
    for scope in ("global", "install", ":env:"):
        for name in ("index-url", "cert"):
            entry = re.search(rf"^{scope}\.{name}='(.*)'$", listing, re.MULTILINE)
            if entry:
                settings[name] = entry[1]
    return settings


def download(pin: Pin, index: PyPISimple, folder: Path) -> Path:
    """The source archive of `pin`, its SHA-256 equal to the index's and to the pin's."""
    what = f"{pin.name} {pin.version}"
    try:
        page = index.get_project_page(pin.name, timeout=_TIMEOUT_S)
        files = [
            file
            for file in page.packages
            if file.version == pin.version and file.package_type == "sdist"
        ]
        if not files:
            raise UserError(f"{what}: the package index has no such source archive")
        path = folder / f"{pin.name}.tar.gz"
        index.download_package(files[0], path, verify=True, timeout=_TIMEOUT_S)
    except (NoSuchProjectError, NoDigestsError, DigestMismatchError) as error:
        raise UserError(f"{what}: {error}") from error
    except requests.RequestException as error:
        reason = type(error).__name__
        raise UserError(
            f"{what}: package index not reachable ({reason}); see PIP_INDEX_URL"
        ) from error
    if hashlib.sha256(path.read_bytes()).hexdigest() != pin.sha256:
        raise UserError(
            f"{what}: not the pinned file (SHA-256 differs from firmware/requirements.txt)"
        )
    return path


def unpack(archive: Path, package: str, target: Path) -> None:
    """Replace `target` by a folder that holds just `package` of the archive.

    Plain files only, each below `package`: links, devices and paths that climb are left out.
    """
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            inside = PurePosixPath(member.name).parts[1:]
            if not member.isfile() or inside[:1] != (package,) or ".." in inside:
                continue
            path = part.joinpath(*inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None  # isfile() above
            path.write_bytes(content.read())
    if not part.is_dir():
        raise UserError(f"{archive.name}: holds no folder {package}")
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def main() -> int:
    """Called by `make` at set-up."""
    try:
        with step("MicroPython packages: into build/upy"):
            fetch_all(read_pins(PINS_FILE.read_text()))
    except UserError as error:
        say(f"set-up: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
