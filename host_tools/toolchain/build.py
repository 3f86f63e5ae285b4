"""MicroPython's unix port, built into build/micropython in about 20 s.

Beside the program stands by which recipe it was built; another recipe builds it again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from host_tools.errors import UserError
from host_tools.toolchain import debian_source
from host_tools.toolchain.interpreter import (
    BUILT,
    BUILT_HERE,
    Found,
    Missing,
    locate,
    probe,
)
from host_tools.toolchain.paths import MICROPYTHON_HOME, ROOT
from host_tools.toolchain.progress import say, step
from host_tools.toolchain.quiet_make import make
from host_tools.toolchain.tools import find_tool, install_command

LOG = MICROPYTHON_HOME / "build.log"
_MANIFEST = ROOT / "boards" / "sim" / "manifest.py"
_RECIPE_FILE = MICROPYTHON_HOME / "recipe"
_MBEDTLS = "#include <mbedtls/ssl.h>\n"


class BuildError(Exception):
    """No interpreter was made; the text is one line that says why."""


def ensure_micropython() -> Found | Missing:
    """`locate`, and where there is none, or one of another recipe, build. Progress on stderr.

    A build that fails leaves the program that is there.
    """
    found = locate()
    if isinstance(found, Found) and is_current(found):
        return found
    try:
        return build()
    except (BuildError, debian_source.SourceError) as error:
        if isinstance(found, Found):
            say(f"MicroPython: the old one stays, the new recipe failed: {error}")
            return found
        return Missing(f"{found.reason}; building: {error}")


def is_current(found: Found) -> bool:
    """False for a program of ours that was built by another recipe than today's."""
    if found.source != BUILT_HERE:
        return True
    return _RECIPE_FILE.is_file() and _RECIPE_FILE.read_text() == recipe()


def recipe() -> str:
    """What decides about the program: source, options, manifest, and the libraries there are."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(debian_source.__file__), _MANIFEST):
        digest.update(path.read_bytes())
    facts = (os.environ.get("MICROPY_DIR", ""), _compiles(_MBEDTLS), _ffi_options())
    digest.update(repr(facts).encode())
    return digest.hexdigest()


def build(environment: Mapping[str, str] = os.environ) -> Found:
    """Build from $MICROPY_DIR, else from Debian's source package; BuildError or SourceError."""
    if " " in str(MICROPYTHON_HOME):
        raise BuildError(f"make cannot build in a path with spaces ({MICROPYTHON_HOME})")
    _need_compiler()
    tree = source_tree(environment)
    MICROPYTHON_HOME.mkdir(parents=True, exist_ok=True)
    LOG.write_text("")
    with step("MicroPython: its cross compiler"):
        mpy_cross = _build_mpy_cross(tree)
    with step("MicroPython: the unix port"):
        binary = _build_unix_port(tree, mpy_cross)
    found = probe(binary, BUILT_HERE)
    if isinstance(found, Missing):
        raise BuildError(f"the fresh build {found.reason}")
    _RECIPE_FILE.unlink(missing_ok=True)
    _publish(binary)
    _RECIPE_FILE.write_text(recipe())
    return Found(BUILT, found.version, found.source, found.tls)


def source_tree(environment: Mapping[str, str]) -> Path:
    """Folder of MicroPython's source; UserError when $MICROPY_DIR is set but is none."""
    named = environment.get("MICROPY_DIR")
    if not named:
        return debian_source.fetch(MICROPYTHON_HOME, environment)
    tree = Path(named).resolve()
    if not (tree / "ports" / "unix" / "Makefile").is_file():
        raise UserError(f"MICROPY_DIR={named}: holds no ports/unix/Makefile; unset it or mend it")
    return tree


def _need_compiler() -> None:
    missing = [program for program in ("gcc", "make") if find_tool(program) is None]
    if not missing and not _compiles("#include <stdlib.h>\n"):
        missing = ["libc6-dev"]
    if missing:
        raise BuildError(f"no {' and no '.join(missing)} ({install_command(*missing)})")


def _build_mpy_cross(tree: Path) -> Path:
    """The cross compiler of the same source, so that frozen bytecode always fits."""
    out = MICROPYTHON_HOME / "mpy-cross"
    _make(tree / "mpy-cross", f"BUILD={out}")
    return out / "mpy-cross"


def _build_unix_port(tree: Path, mpy_cross: Path) -> Path:
    out = MICROPYTHON_HOME / "unix"
    # make does not notice changed options: start from nothing
    shutil.rmtree(out, ignore_errors=True)
    _make(
        tree / "ports" / "unix",
        f"BUILD={out}",
        f"FROZEN_MANIFEST={_MANIFEST}",
        f"MICROPY_MPYCROSS={mpy_cross}",
        # any folder with a README: the source asks for micropython-lib, the manifest does not
        f"MPY_LIB_DIR={tree / 'lib'}",
        "MICROPY_PY_BTREE=0",
        *_tls_options(tree),
        *_ffi_options(),
    )
    return out / "micropython"


def _tls_options(tree: Path) -> list[str]:
    """TLS needs mbedTLS: in the tree (a git checkout) or, with Debian's patches, the system's."""
    bundled = (tree / "lib" / "mbedtls" / "library").is_dir()
    patched = "lib/mbedtls" not in (tree / "extmod" / "extmod.mk").read_text()
    if bundled or (patched and _compiles(_MBEDTLS)):
        return ["MICROPY_SSL_AXTLS=0", "MICROPY_SSL_MBEDTLS=1"]
    return ["MICROPY_PY_SSL=0", "MICROPY_SSL_AXTLS=0", "MICROPY_SSL_MBEDTLS=0"]


def _ffi_options() -> list[str]:
    pkg_config = find_tool("pkg-config")
    if pkg_config and subprocess.run([pkg_config, "--exists", "libffi"]).returncode == 0:
        return ["MICROPY_PY_FFI=1"]
    return ["MICROPY_PY_FFI=0"]


def _compiles(source: str) -> bool:
    command = ["gcc", "-E", "-x", "c", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True).returncode == 0


def _make(folder: Path, *options: str) -> None:
    """Run make quietly into the log; BuildError quotes the first error."""
    # newer compilers warn about more; a warning is no reason to go without MicroPython
    problem = make(folder, ["CFLAGS_EXTRA=-Wno-error", *options], LOG)
    if problem:
        raise BuildError(problem)


def _publish(binary: Path) -> None:
    """Put the finished program in its place in one step: whoever sees it sees all of it."""
    part = BUILT.with_suffix(".part")
    shutil.copy2(binary, part)
    os.replace(part, BUILT)
