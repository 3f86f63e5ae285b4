"""The image of the emulated board: MicroPython's qemu port with the firmware frozen in.

Built into build/board from the same source tree, and with the same cross compiler, as the unix
port. Beside each image stands by which recipe it was built; another recipe builds it again, in a
fresh folder, because make does not notice changed options.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from host_tools.errors import UserError
from host_tools.toolchain import build, debian_source
from host_tools.toolchain.paths import BUILD, MICROPYTHON_HOME, ROOT, UPY_PACKAGES
from host_tools.toolchain.progress import say, step
from host_tools.toolchain.quiet_make import make
from host_tools.toolchain.tools import find_tool, install_command

EMULATOR = "qemu-system-arm"
COMPILER = "arm-none-eabi-gcc"
HOME = BUILD / "board"
BOARD = ROOT / "boards" / "qemu_mps2"
# As much as a board with PSRAM has for twelve racks with every tier of samples; test files are
# compiled into it as well.
HEAP_BYTES = 2 * 1024 * 1024
_KINDS = (".py", ".c", ".h", ".mk", ".ld")
_SOURCES = ("firmware", "boards/qemu_mps2", "boards/parts", "boards/sim")
_MPY_CROSS = MICROPYTHON_HOME / "mpy-cross" / "mpy-cross"


@dataclass(frozen=True)
class Image:
    """A built image; `text_bytes` is its code with everything that is frozen in."""

    elf: Path
    heap_bytes: int
    text_bytes: int


def missing_tools() -> list[str]:
    """Programs that building and running need and this machine lacks."""
    return [program for program in (COMPILER, EMULATOR, "make") if find_tool(program) is None]


def ensure_image(heap_bytes: int = HEAP_BYTES) -> Image:
    """The image with this heap, built when there is none of today's recipe; UserError says why."""
    missing = missing_tools()
    if missing:
        raise UserError(f"no {' and no '.join(missing)}: {install_command(*missing)}")
    if " " in str(HOME):
        raise UserError(f"make cannot build in a path with spaces ({HOME})")
    folder = HOME / f"heap-{heap_bytes // 1024}k"
    elf, stamp = folder / "firmware.elf", folder / "recipe"
    wanted = recipe(heap_bytes)
    if not (elf.is_file() and stamp.is_file() and stamp.read_text() == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with step(f"emulated board: image with a heap of {heap_bytes // 1024} KiB"):
            _build(folder, heap_bytes)
        stamp.write_text(wanted)
    return Image(elf, heap_bytes, _text_bytes(elf))


def recipe(heap_bytes: int) -> str:
    """What decides about an image: everything frozen in, the board, MicroPython, the heap."""
    digest = hashlib.sha256(f"{heap_bytes} {build.recipe()}".encode())
    digest.update(Path(__file__).read_bytes())
    folders = [ROOT / name for name in _SOURCES] + [UPY_PACKAGES]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in _KINDS:
                digest.update(f"{path.relative_to(ROOT)}".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _build(folder: Path, heap_bytes: int) -> None:
    try:
        tree = build.source_tree(os.environ)
    except debian_source.SourceError as error:
        raise UserError(f"emulated board: {error}") from error
    if not _MPY_CROSS.is_file():
        raise UserError("emulated board: no mpy-cross yet: gatewayctl toolchain --build")
    options = [
        "BOARD=QEMU_MPS2",
        f"BOARD_DIR={BOARD}",
        # any folder with a README: the source asks for micropython-lib, the manifest does not
        f"MPY_LIB_DIR={tree / 'lib'}",
        f"BUILD={folder}",
        f"MICROPY_MPYCROSS={_MPY_CROSS}",
        f"MICROPY_HEAP_SIZE={heap_bytes}",
    ]
    problem = make(tree / "ports" / "qemu", options, folder / "build.log")
    if problem:
        raise UserError(f"emulated board: {problem}")


def _text_bytes(elf: Path) -> int:
    size = find_tool("arm-none-eabi-size") or "arm-none-eabi-size"
    done = subprocess.run([size, elf], capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[1].split()[0])


def main() -> int:
    """Build the image that runs the gateway."""
    try:
        image = ensure_image()
    except UserError as error:
        say(str(error))
        return 2
    say(f"{image.elf}: {image.text_bytes} bytes of code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
