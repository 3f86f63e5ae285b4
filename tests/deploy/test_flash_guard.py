"""Before an image is written: a closed relay would stay closed under the boot loader."""

from __future__ import annotations

from pathlib import Path

import pytest
from cable_end import at_cable

from gateway.northbound.cable_console import ETX
from host_tools.cli import main
from host_tools.deploy import boards
from host_tools.flash import relays

OUTLIVING = "waveshare_esp32s3_eth_8di_8ro"  # its relays outlive a reset
CLOSED = '{"racks": [{"relay": 1, "current_da": 900}], "telemetry": {"backlog": 41}}'
OPEN = '{"racks": [{"relay": 0, "current_da": 0}], "telemetry": {"backlog": 41}}'


@pytest.fixture
def esptool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the tool on the path and notes how it was called."""
    tool = tmp_path / "esptool"
    calls = tmp_path / "calls"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n')
    tool.chmod(0o755)
    monkeypatch.setattr("host_tools.flash.command.find_tool", lambda name: str(tool))
    (tmp_path / "image.bin").write_bytes(b"x")
    return calls


def flash(folder: Path, port: str, *more: str, board: str = "olimex_esp32_poe_iso") -> int:
    command = ["flash", "--board", board, "--image", str(folder / "image.bin"), "--port", port]
    return main([*command, *more])


def test_closed_relays_and_silence_keep_the_image_away(
    esptool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer, words in (
        (f"{ETX}status {CLOSED}\n".encode(), "1 of 1 racks are closed, 90 A flow"),
        (b"", "Neither a gateway nor MicroPython's prompt answers"),
    ):
        with at_cable(answer, b"status\n") as port:
            assert flash(tmp_path, port) == 2
        error = capsys.readouterr().err
        assert words in error
        assert "--yes goes on" in error
    assert not esptool.exists()


def test_records_go_only_when_asked_for(
    esptool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_cable(f"{ETX}status {OPEN}\n".encode(), b"status\n") as port:
        assert flash(tmp_path, port) == 0
        assert "erase" not in esptool.read_text()
        assert flash(tmp_path, port, "--erase") == 2
        assert "latches, 41 records that nobody has yet" in capsys.readouterr().err
        assert "erase" not in esptool.read_text()
        assert flash(tmp_path, port, "--erase", "--yes") == 0
    assert "erase-flash" in esptool.read_text().splitlines()[-2]


def test_a_prompt_that_answers_is_a_board_at_rest(esptool: Path, tmp_path: Path) -> None:
    with at_cable(b"\r\n>>> ", b"\x02") as port:
        assert flash(tmp_path, port) == 0
    assert "write-flash 0x1000" in esptool.read_text()


def test_relays_that_nothing_opens_are_not_said_to_open(
    esptool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with at_cable(b"", b"status\n") as port:
        assert flash(tmp_path, port, board=OUTLIVING) == 2
    error = capsys.readouterr().err
    assert "opens every relay" not in error
    assert "take the supply from their coils" in error
    assert not esptool.exists()


def test_a_gateway_runs_on_while_somebody_thinks_about_its_records(
    esptool: Path, tmp_path: Path
) -> None:
    """Stopped, its watchdog would start it again, and its relays would close under the image."""
    sent = bytearray()
    with at_cable(f"{ETX}status {OPEN}\n".encode(), b"status\n", sent) as port:
        assert flash(tmp_path, port, "--erase", board=OUTLIVING) == 2
    assert b"\x03" not in sent
    assert not esptool.exists()


class Notes:
    """A prompt that does whatever it is told, and keeps it."""

    port = "PORT"

    def __init__(self) -> None:
        self.told: list[str] = []

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def run(self, code: str | bytes) -> str:
        self.told.append(code if isinstance(code, str) else code.decode())
        return "True\n"


def test_opened_relays_stay_so_until_the_tool_has_the_board() -> None:
    prompt = Notes()
    relays._drop(prompt, boards.find(OUTLIVING))  # type: ignore[arg-type]
    assert prompt.told[0] == "interrupt"
    assert "WDT(timeout=30000)" in prompt.told[1]
    assert "drop_relays()" in prompt.told[-1]
