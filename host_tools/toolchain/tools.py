"""External programs: where they are, and the one command that brings a missing one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# Debian puts daemons where an ordinary user's PATH does not look.
_MORE_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin")

# program -> package, where the names differ
_DEBIAN_PACKAGES = {"dpkg-source": "dpkg-dev"}
_BREW_PACKAGES = {"pkg-config": "pkgconf"}
_XCODE = {"gcc", "make", "libc6-dev"}


def find_tool(program: str) -> str | None:
    """Full path of `program`, or None; what pip put beside this Python counts, too."""
    path = os.environ.get("PATH", os.defpath)
    search = os.pathsep.join([path, *_MORE_FOLDERS, str(Path(sys.executable).parent)])
    return shutil.which(program, path=search)


def install_command(*programs: str) -> str:
    """The one command that installs `programs` on this kind of machine."""
    if sys.platform == "darwin":
        if _XCODE.intersection(programs):
            return "xcode-select --install"
        return "brew install " + " ".join(_BREW_PACKAGES.get(name, name) for name in programs)
    if find_tool("apt-get") is None:
        return "install " + " ".join(programs)
    packages = [_DEBIAN_PACKAGES.get(name, name) for name in programs]
    return "sudo apt-get install -y " + " ".join(packages)
