"""gatewayctl deploy, doctor and provision at the cable of the emulated board, one life of it.

The tests of this file run in their order on one board, what a technician meets in the field; the
last one has another board.
"""

from __future__ import annotations

import gc
import json
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from one_rack import on_a_line
from usb_board import UsbBoard

from host_tools.cable.console_on_cable import CableConsole
from host_tools.cable.prompt import Prompt
from host_tools.cli import main
from host_tools.deploy import boards, program
from host_tools.deploy.device import Device
from host_tools.emulator.memory import ROOT_AT
from host_tools.monitor.console_client import ConsoleError
from host_tools.toolchain.emulated_board import Image

BOARD = "qemu_mps2"
# Fits the flash and the memory of a small board.
SMALL = """\
[telemetry]
capacity_bytes = 2097152
segment_bytes = 32768
rewind_s = 0
aftermath_s = 0
"""
BREAKABLE = "gateway/units.mpy"
RESTART_S = 90.0  # the watchdog's 30 s, on a host with more to do
WINDOW_BYTES = 40_000  # sent before the cable is pulled


@pytest.fixture(scope="module")
def board(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsbBoard]:
    with UsbBoard(image.elf, tmp_path_factory.mktemp("board")) as board:
        yield board
    board.memory.close()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return site_file(tmp_path, 1)


def site_file(folder: Path, uart: int) -> Path:
    path = folder / "site.toml"
    path.write_text(on_a_line(uart))
    return path


def deploy(board: UsbBoard, site: Path, *more: str, port: str = "", kind: str = BOARD) -> int:
    command = ["deploy", "--board", kind, "--site", str(site), "--port", port or board.port]
    return main([*command, "--json", *more])


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@contextmanager
def console(board: UsbBoard) -> Iterator[CableConsole]:
    prompt = Prompt(board.port)
    prompt.open()
    try:
        yield CableConsole(prompt.serial)
    finally:
        prompt.close()


@contextmanager
def at_prompt(board: UsbBoard) -> Iterator[Device]:
    """The board with nothing running on it; afterwards it starts as from power-up."""
    prompt = Prompt(board.port)
    prompt.open()
    try:
        device = Device(prompt, boards.find(BOARD))
        device.take()
        device.hold()
        yield device
        device.restart()
    finally:
        prompt.close()


def running_slot(board: UsbBoard) -> tuple[str, bool]:
    """Where what runs was started from, and whether it will be again."""
    end_s = time.monotonic() + RESTART_S
    with console(board) as asked:
        while True:
            try:
                report = asked.ask("selftest", 2)
                return report["slot"], report["kept"]
            except ConsoleError:
                if time.monotonic() > end_s:
                    raise


def test_a_blank_board_gets_everything_and_runs_it(
    board: UsbBoard, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(board, site) == 0
    report = told(capsys)
    wanted = {file.path: file.digest for file in program.compiled(boards.find(BOARD))}
    assert report["slot"] == "slot_a"
    assert sorted(report["sent"]) == sorted(wanted)
    assert report["config"] == ["config_a.json", "config_a.crc"]
    assert report["problem"] == ""
    assert running_slot(board) == ("slot_a", True)
    with at_prompt(board) as device:
        assert device.digests("slot_a") == wanted


def test_the_doctor_tells_what_a_board_without_racks_lacks(
    board: UsbBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    running_slot(board)
    assert main(["doctor", "--port", board.port, "--json"]) == 1
    found = {each["part"]: each for each in told(capsys)["findings"]}
    assert found["flash"]["text"] == "written and read back"
    assert found["bus rs485-1"]["state"] == "bad"
    assert "no answer at all" in found["bus rs485-1"]["text"]
    assert found["program"]["text"].startswith("version ")


def test_a_dry_run_stops_nothing(
    board: UsbBoard, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = board.memory.window("root")
    with console(board) as asked:
        boot = asked.ask("status")["boot"]
    assert deploy(board, site, "--dry-run") == 0
    assert "runs there (version" in told(capsys)["result"]
    with console(board) as asked:
        assert asked.ask("status")["boot"] == boot
    assert board.memory.window("root") == before


def test_only_what_was_broken_is_sent_again(
    board: UsbBoard, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_prompt(board) as device:
        device.write(f"slot_a/{BREAKABLE}", b"broken")
    assert deploy(board, site) == 0
    report = told(capsys)
    assert report["slot"] == "slot_b"
    assert report["sent"] == [BREAKABLE]
    assert len(report["copied"]) > 100
    assert report["config"] == []
    assert running_slot(board) == ("slot_b", True)


def test_another_kind_of_board_is_refused_and_goes_on(
    board: UsbBoard, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_text(site.read_text() + SMALL)
    assert deploy(board, site, kind="arduino_opta") == 2
    error = capsys.readouterr().err
    assert "is a mps2-an385 with Cortex-M3, not a arduino_opta" in error
    assert error.count("\n") == 1
    assert running_slot(board) == ("slot_b", True)


def test_a_configuration_that_the_board_refuses_is_taken_back(
    board: UsbBoard, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with console(board) as asked:
        before = asked.ask("status")["config"]["crc"]
    (tmp_path / "wrong").mkdir()
    assert deploy(board, site_file(tmp_path / "wrong", 4)) == 1
    report = told(capsys)
    assert "buses: rs485-1: uart 4" in report["problem"]
    assert "what was there before runs again (slot_b)" in report["result"]
    with console(board) as asked:
        status = asked.ask("status")
    assert (status["mode"], status["config"]["crc"]) == ("run", before)


# pyserial forgets to close a socket that the other side has cut
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_cable_pulled_in_mid_copy_leaves_a_board_that_starts(
    board: UsbBoard, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_prompt(board) as device:  # the other slot: much to send
        names = list(device.digests("slot_a"))
        device.call("remove", [f"slot_a/{name}" for name in names])
        device.call("remove", [f"slot_b/{name}" for name in names if "telemetry" in name])
        device.write("slot", b"slot_b config_a")
    with pulled_cable(board.tcp, WINDOW_BYTES) as port:
        assert deploy(board, site, port=port) == 2
    gc.collect()
    error = capsys.readouterr().err
    assert "check cable and power, then deploy again" in error
    assert error.count("\n") == 1
    with at_prompt(board) as device:
        half = device.digests("slot_a")
        assert half
        assert not device.call("text", "slot.trial")
    assert deploy(board, site) == 0
    report = told(capsys)
    assert len(set(half) & set(report["sent"])) <= 1  # the one that was cut in two
    assert len({name for name in half if "telemetry" in name}) > 1
    assert running_slot(board) == ("slot_a", True)


def test_a_board_that_lost_its_cable_starts_again_by_itself(board: UsbBoard) -> None:
    prompt = Prompt(board.port)
    prompt.open()
    device = Device(prompt, boards.find(BOARD))
    device.take()
    device.hold()
    prompt.close()
    assert running_slot(board) == ("slot_a", True)


def test_keys_come_onto_the_board_and_never_to_the_screen(
    board: UsbBoard, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["provision", "--board", BOARD, "--site", str(site), "--port", board.port]
    command += ["--folder", str(tmp_path / "devices"), "--yes"]
    assert main(command) == 0
    key = tmp_path / "devices" / "gw-001" / "device.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    printed = capsys.readouterr()
    assert key.read_text().strip() not in printed.out + printed.err
    assert main(command) == 0
    assert "nothing: all of it was there" in capsys.readouterr().out
    running_slot(board)
    assert board.memory.read("config", "device.key") == key.read_bytes()


def test_an_image_that_has_its_flash_in_a_folder_gets_the_same(
    image: Image, site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As images for STM32 have it, at /flash."""
    board = UsbBoard(image.elf, tmp_path)
    board.memory.set_word(ROOT_AT, 1)
    with board:
        assert deploy(board, site) == 0
        assert told(capsys)["problem"] == ""
        assert running_slot(board) == ("slot_a", True)
        with at_prompt(board) as device:
            assert device.prompt.run("print(os.getcwd(), os.listdir('/'))").split() == (
                ["/flash", "['flash',", "'config']"]
            )
            assert device.call("text", "/flash/slot") == "slot_a config_a"
    board.memory.close()


@contextmanager
def pulled_cable(tcp: int, after_bytes: int) -> Iterator[str]:
    """A port that leads to `tcp` until so many bytes went there; then both ends are cut."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry() -> None:
        near, _ = listener.accept()
        with near, socket.create_connection(("127.0.0.1", tcp)) as far:
            back = threading.Thread(target=_pour, args=(far, near))
            back.start()
            left = after_bytes
            with suppress(OSError):
                while left > 0 and (data := near.recv(4096)):
                    far.sendall(data)
                    left -= len(data)
                for end in (near, far):
                    end.shutdown(socket.SHUT_RDWR)
            back.join()

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


def _pour(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4096):
            target.sendall(data)
