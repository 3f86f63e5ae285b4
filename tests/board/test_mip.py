"""A board's program from a web server: mpremote's own mip against the emulated board."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from usb_board import UsbBoard
from web_server import web_server

from host_tools.cli import main
from host_tools.deploy import boards, program
from host_tools.toolchain.emulated_board import Image

BOARD = "qemu_mps2"


def mpremote(board: UsbBoard, *words: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", board.port, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    return done.stdout


@pytest.fixture
def board(image: Image, tmp_path: Path) -> Iterator[UsbBoard]:
    with UsbBoard(image.elf, tmp_path) as board:
        yield board
    board.memory.close()


def test_mip_brings_the_program_that_deploy_would(
    board: UsbBoard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "package"
    assert main(["package", "--board", BOARD, "--out", str(out)]) == 0
    wanted = {file.path: file.digest for file in program.compiled(boards.find(BOARD))}
    with web_server(out) as address:
        mpremote(board, "mip", "install", "--target", "/slot_b", f"{address}/package.json")
    code = (
        "import sys; sys.path.insert(0, '/slot_b'); from gateway import app; print(app.__file__)"
    )
    assert mpremote(board, "exec", code).strip() == "/slot_b/gateway/app.mpy"
    digest = (
        "import hashlib, binascii;"
        "print(binascii.hexlify(hashlib.sha256("
        "open('/slot_b/gateway/app.mpy', 'rb').read()).digest()).decode())"
    )
    assert mpremote(board, "exec", digest).strip() == wanted["gateway/app.mpy"]
