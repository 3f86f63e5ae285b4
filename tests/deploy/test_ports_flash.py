"""Ports that cannot be used, and the command lines that bring MicroPython onto a board."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from host_tools.cable import ports
from host_tools.cable.prompt import CableError, Prompt, RemoteError
from host_tools.cli import main
from host_tools.deploy import boards
from host_tools.deploy.device import Device
from host_tools.errors import UserError


@pytest.fixture
def pty() -> Iterator[str]:
    end, other = os.openpty()
    yield os.ttyname(other)
    os.close(end)
    os.close(other)


def test_a_port_that_another_program_has_open(pty: str) -> None:
    with serial.Serial(pty, exclusive=True), pytest.raises(UserError, match="another program"):
        Prompt(pty).open()


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(UserError, match="cannot be opened: check the name, the cable"):
        Prompt("/dev/ttyNONE0").open()


def test_something_that_is_no_micropython(pty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host_tools.cable.prompt._ATTEMPTS", 1)
    prompt = Prompt(pty)
    prompt.open()
    with pytest.raises(CableError, match="no prompt of MicroPython"):
        prompt.interrupt()
    prompt.close()


class Entry:
    """As pyserial lists a port."""

    def __init__(self, device: str, vid: int | None) -> None:
        self.device = device
        self.vid = vid


def test_the_only_usb_port_is_found_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [Entry("/dev/ttyS0", None), Entry("/dev/ttyACM0", 0x2341)]
    monkeypatch.setattr(ports.list_ports, "comports", lambda: there)
    assert ports.choose("") == ports.choose("usb") == "/dev/ttyACM0"
    assert ports.choose("/dev/other") == "/dev/other"
    there.append(Entry("/dev/ttyUSB3", 0x1A86))
    with pytest.raises(UserError, match="--port: name one, .*: /dev/ttyACM0, /dev/ttyUSB3"):
        ports.choose("")
    with pytest.raises(UserError, match="--serial: name one, several USB ports are there"):
        ports.choose("usb", "--serial")
    there[1:] = []
    with pytest.raises(UserError, match="no USB serial port is there: check cable"):
        ports.choose("")


@pytest.mark.parametrize(
    ("board", "lines"),
    [
        (
            "waveshare_esp32s3_eth_8di_8ro",
            [
                "esptool --chip esp32s3 --port PORT write-flash 0 {image}",
            ],
        ),
        ("arduino_opta", ["dfu-util -w -a 0 -d 2341:0364 -D {image}"]),
    ],
)
def test_what_flash_would_run(
    board: str, lines: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"x")
    command = ["flash", "--board", board, "--image", str(image), "--dry-run"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [line.format(image=image) for line in lines]


def test_a_tool_that_runs_and_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"x")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    command = ["flash", "--board", "arduino_opta", "--image", str(image), "--yes"]
    tool = tmp_path / "dfu-util"
    for status in (0, 1):
        tool.write_text(f'#!/bin/sh\necho "with $*"\nexit {status}\n')
        tool.chmod(0o755)
        assert main(command) == status
        assert f"with -w -a 0 -d 2341:0364 -D {image}" in capfd.readouterr().out


def test_a_missing_tool_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(b"x")
    monkeypatch.setattr("host_tools.flash.command.find_tool", lambda name: None)
    command = ["flash", "--board", "olimex_esp32_poe_iso", "--port", "X", "--image", str(image)]
    command += ["--erase"]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "esptool is not here: " in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "is_full"),
    [
        ("OSError: [Errno 28] ENOSPC", True),
        ("OSError: 28", True),
        ("MemoryError: memory allocation failed, allocating 2128 bytes", False),
        ("OSError: [Errno 5] EIO", False),
    ],
)
def test_a_full_flash_is_told_from_what_has_its_number_in_it(raised: str, is_full: bool) -> None:
    class Board:
        def ask(self, expression: str) -> object:
            raise RemoteError(raised)

    device = Device(Board(), boards.find("arduino_opta"))  # type: ignore[arg-type]
    with pytest.raises(UserError) as refused:
        device.call("begin", "x")
    assert ("flash is full" in str(refused.value)) == is_full
    assert raised in str(refused.value)
