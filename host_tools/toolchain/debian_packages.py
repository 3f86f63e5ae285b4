"""Debian packages that make the project complete: installed once, and only without a question.

They need root or password-less sudo. Without either, or without a network, everything goes on
with its fallback, and one line names the command that would help. NO_APT=1 in the environment
keeps it from installing anything.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from host_tools.toolchain.interpreter import BUILT_HERE, Found, locate
from host_tools.toolchain.progress import say, step
from host_tools.toolchain.tools import find_tool

VENV_PACKAGE = f"python3.{sys.version_info.minor}-venv"
# gcc and make build MicroPython, dpkg-dev unpacks its source, mbedTLS gives it TLS.
# fmt: off
_BUILD_PACKAGES = (
    "gcc", "libc6-dev", "make", "dpkg-dev", "pkg-config", "libffi-dev", "libmbedtls-dev",
)
# fmt: on
# Where Debian's mirror and key are not known (Ubuntu); debian_source.py uses both.
_FOREIGN_PACKAGES = ("python-apt-common", "debian-archive-keyring")
_APT_GET = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")


def install_missing() -> None:
    """Install what is missing, or say how to. Never asks, never fails, two lines at most."""
    packages = missing()
    if not packages:
        return
    how = f"sudo apt-get install -y {' '.join(packages)}"
    become_root = _root_prefix()
    if become_root is None:
        say(f"Debian packages: not installed (no root here), going on without: {how}")
        return
    try:
        with step(f"Debian packages: installing {' '.join(packages)}"):
            _install(become_root, packages)
    except subprocess.CalledProcessError as error:
        say(f"Debian packages: {_first_line(error.stderr)}; going on without, later: {how}")


def missing() -> list[str]:
    """Packages this machine lacks, in the order to install; none where there is no apt."""
    if find_tool("apt-get") is None or os.environ.get("NO_APT"):
        return []
    wanted = [] if find_tool("mosquitto") else ["mosquitto"]
    if importlib.util.find_spec("ensurepip") is None:
        wanted.append(VENV_PACKAGE)
    if not _has_micropython():
        wanted += _not_installed([*_BUILD_PACKAGES, *(() if _is_debian() else _FOREIGN_PACKAGES)])
    return wanted


def _has_micropython() -> bool:
    """True when none has to be built; one of ours without TLS is built again with it."""
    # $MICROPYTHON is judged later, where a wrong one is an error
    if os.environ.get("MICROPYTHON"):
        return True
    found = locate()
    return isinstance(found, Found) and (found.tls or found.source != BUILT_HERE)


def _is_debian() -> bool:
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().split()


def _not_installed(packages: Iterable[str]) -> list[str]:
    query = ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages)
    answer = subprocess.run(query, capture_output=True, text=True).stdout.splitlines()
    return [name for name in packages if f"{name} installed" not in answer]


def _root_prefix() -> tuple[str, ...] | None:
    """What to put before a command so that root runs it without a password; None if impossible."""
    if os.geteuid() == 0:
        return ()
    sudo = find_tool("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0:
        return (sudo, "-n")
    return None


def _install(become_root: tuple[str, ...], packages: list[str]) -> None:
    for command in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        subprocess.run(
            (*become_root, *_APT_GET, *command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    if "mosquitto" in packages and Path("/run/systemd/system").is_dir():
        # the package starts a broker for the whole machine; the project starts its own
        stop = (*become_root, "systemctl", "disable", "--now", "mosquitto")
        subprocess.run(stop, capture_output=True)


def _first_line(text: str) -> str:
    return (text.splitlines() or ["apt-get failed"])[0]
