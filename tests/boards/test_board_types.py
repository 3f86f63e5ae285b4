"""The boards in the field against the type stubs of their ports, MicroPython 1.29's, and against
what the gateway asks of a board.

Two ports' stubs exclude each other, so each set lies in a folder of its own below build/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from host_tools.toolchain.paths import BUILD, ROOT

PORTS = {
    "waveshare_esp32s3_eth_8di_8ro": "esp32",
    "olimex_esp32_poe_iso": "esp32",
    "arduino_opta": "stm32",
}
CPYTHON_TOO = ("sockets.py",)  # has a way for each interpreter; a port knows only its own
# mypy compares every member with its arguments. Not the board as a whole: members of a Protocol
# that can be assigned to must be of the very same type.
CONTRACT = """
from board import Board
from gateway import contracts
from gateway.clock import Clock

board = Board()
relays: contracts.Relays = board.relays
inputs: contracts.Inputs = board.inputs
dead_man: contracts.DeadMan = board.dead_man
rtc: contracts.BoardRtc | None = board.rtc
network: contracts.Network = board.network()
datagram: contracts.Datagram = board.datagram("192.168.0.1", 123)
line: contracts.SerialPort = board.uart(1, 9600, None, 1)
config: contracts.Storage = board.storage("config")
watchdog: contracts.Watchdog = board.watchdog(2000)
dice: contracts.Random = board.random
clock: Clock = board.clock
numbers: tuple[int, int] = board.heap()
texts: tuple[str, str] = board.interpreter, board.unique_id
words: tuple[str, ...] = board.capabilities
port: int = board.console_port
board.wait_for_bus(2000)


async def streams() -> None:
    await board.open_stream("192.168.0.1", 8883, None, "")
    await board.listen(None, 7000)
    await board.stopping()
"""


def stubs(port: str) -> Path:
    """Folder of a port's stubs; fetched when it is not there, or when other ones are pinned."""
    pins = Path(__file__).with_name(f"{port}_stubs.txt")
    folder = BUILD / "stubs" / port
    stamp = folder / "pins.txt"
    if stamp.is_file() and stamp.read_text() == pins.read_text():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes")
    done = subprocess.run(
        [*command, "--target", str(folder), "-r", str(pins)], capture_output=True, text=True
    )
    if done.returncode:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"no type stubs for {port}: {done.stderr.strip()[-200:]}")
    shutil.copy(pins, stamp)
    return folder


def complaints(board: Path, port: str, tmp_path: Path) -> list[str]:
    """What mypy says of the board's files and of the parts, not of the stubs themselves."""
    folder = stubs(port)
    path = [folder, board, ROOT / "boards/parts", ROOT / "boards/sim", ROOT / "firmware"]
    config = tmp_path / "mypy.ini"
    lines = (
        "[mypy]",
        "strict = true",
        "python_version = 3.11",
        f"custom_typeshed_dir = {folder}",
        f"mypy_path = {':'.join(map(str, path))}",
        "explicit_package_bases = true",
        "follow_imports = silent",
        f"cache_dir = {BUILD}/mypy_cache/{port}",
    )
    config.write_text("\n".join(lines) + "\n")
    meets = tmp_path / "meets.py"
    meets.write_text(CONTRACT)
    parts = sorted((ROOT / "boards/parts").glob("*.py"))
    files = [board / "board.py", *(part for part in parts if part.name not in CPYTHON_TOO)]
    if board.parent == ROOT / "boards":
        files.append(meets)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(config), *map(str, files)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    ours = [line for line in done.stdout.splitlines() if not line.startswith(str(folder))]
    ours = [line for line in ours if ": error: " in line and not line.startswith("build/")]
    assert "checked" in done.stdout or ours, done.stdout + done.stderr
    return ours


@pytest.mark.parametrize("board", PORTS)
def test_board_uses_its_port_as_it_is(board: str, tmp_path: Path) -> None:
    assert complaints(ROOT / "boards" / board, PORTS[board], tmp_path) == []


WRONG = (
    ("esp32", "import machine\nmachine.SoftI2C(clock=1)\n"),
    ("esp32", "import esp32\nesp32.Partition.look('a')\n"),
    ("stm32", "import esp32\n"),
    ("stm32", "import machine\nmachine.Pin('A0', machine.Pin.OUTPUT)\n"),
)


@pytest.mark.parametrize(("port", "source"), WRONG)
def test_what_a_port_has_not_is_found(port: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "board.py").write_text(source + "\n\nclass Board:\n    pass\n")
    assert len(complaints(tmp_path, port, tmp_path)) == 1
