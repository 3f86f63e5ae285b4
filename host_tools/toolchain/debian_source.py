"""MicroPython's source as Debian publishes it, through a private apt root.

The system's apt lists and sources stay untouched and no root is needed. What comes is compared
with pinned SHA-256 sums before anything is unpacked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from host_tools.toolchain.progress import step
from host_tools.toolchain.tools import find_tool, install_command

SUITE = "trixie"
VERSION = "1.25.0+ds-1"
TREE = "micropython-1.25.0+ds"
# fmt: off
DESCRIPTION = "micropython_1.25.0+ds-1.dsc"
ORIGINAL = "micropython_1.25.0+ds.orig.tar.xz"
PINS = {
    DESCRIPTION:
        "8c7c406be88a6f3bc19e694eb0bbc5841112243fdf2b5a296e000d8fdc5f3c34",
    ORIGINAL:
        "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
    "micropython_1.25.0+ds-1.debian.tar.xz":
        "87cd89f7900c86b963885dabe25acf3e5348815993f1500278ad8f6464465af4",
}
# fmt: on
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# From python-apt-common: how a machine that is not Debian (Ubuntu) learns of Debian's mirror.
_TEMPLATES = Path("/usr/share/python-apt/templates")


class SourceError(Exception):
    """The source could not be had; the text is one line that says why."""


def fetch(home: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Download, check and unpack below `home`; returns the tree. A finished tree is kept."""
    downloads = home / "source"
    tree = downloads / TREE
    if tree.is_dir():
        return tree
    if find_tool("apt-get") is None:
        raise SourceError(f"no apt here ({install_command('micropython')}, or set MICROPY_DIR)")
    with step(f"MicroPython {VERSION}: source package"):
        _download(home / "apt", downloads, mirror(environment))
        verify(downloads)
        _unpack(downloads, tree)
    shutil.rmtree(home / "apt")  # the index alone is 20 MB
    return tree


def mirror(environment: Mapping[str, str], templates: Path = _TEMPLATES) -> str:
    """Address of a Debian archive: $DEBIAN_MIRROR, apt's own, or the one Ubuntu knows."""
    named = environment.get("DEBIAN_MIRROR")
    if named:
        return named
    fields = ("--format", "$(SITE)", "Created-By: Packages", "Label: Debian")
    lines = _run("apt-get", "indextargets", *fields).split()
    if lines:
        return min(lines)
    for template in templates.glob("[Dd]ebian.info"):
        entry = re.search(r"^BaseURI:\s*(\S+)", template.read_text(), re.MULTILINE)
        if entry:
            return entry[1]
    raise SourceError("apt knows no Debian archive; set DEBIAN_MIRROR to one")


def verify(folder: Path) -> None:
    """Compare every pinned file in `folder` with its SHA-256; SourceError on a difference."""
    for name, pinned in PINS.items():
        path = folder / name
        if not path.is_file():
            raise SourceError(f"{name} did not arrive")
        if hashlib.sha256(path.read_bytes()).hexdigest() != pinned:
            path.unlink()
            raise SourceError(f"{name} is not the pinned file (SHA-256 differs)")


def _download(apt_root: Path, downloads: Path, site: str) -> None:
    downloads.mkdir(parents=True, exist_ok=True)
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt_root / folder).mkdir(parents=True, exist_ok=True)
    # Without Debian's keyring (Ubuntu) the pinned sums alone vouch for the files.
    trust = f"signed-by={_KEYRING}" if _KEYRING.is_file() else "trusted=yes"
    (apt_root / "sources.list").write_text(f"deb-src [{trust}] {site} {SUITE} main\n")
    options = _apt_options(apt_root)
    _run("apt-get", *options, "update")
    package = f"micropython={VERSION}"
    _run("apt-get", *options, "source", "--download-only", package, folder=downloads)


def _apt_options(apt_root: Path) -> list[str]:
    settings = {
        "Dir::Etc::SourceList": apt_root / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": apt_root / "lists",
        "Dir::Cache": apt_root / "cache",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
        "APT::Update::Error-Mode": "any",  # else a failed download is only a warning
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _unpack(downloads: Path, tree: Path) -> None:
    part = downloads / "part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    if find_tool("dpkg-source"):
        _run("dpkg-source", "--no-check", "-x", str(downloads / DESCRIPTION), str(part / TREE))
    else:
        # without Debian's patches: builds all the same, but cannot use the system's mbedTLS
        shutil.unpack_archive(downloads / ORIGINAL, part, "xztar")
    (unpacked,) = filter(Path.is_dir, part.iterdir())
    unpacked.rename(tree)
    shutil.rmtree(part)


def _run(program: str, *arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "dpkg"))]
        reason = (lines or done.stderr.splitlines() or ["no message"])[0]
        raise SourceError(f"{program}: {reason}")
    return done.stdout
