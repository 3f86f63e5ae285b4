"""board.json on its way to a board: what the board refuses is taken back, cable broken or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cable_end import at_cable
from folder_board import KIND, FolderPrompt
from one_rack import ON_THE_NETWORK

from gateway.northbound.cable_console import ETX
from host_tools.cli import main
from host_tools.deploy import program
from host_tools.deploy.device import Device
from host_tools.deploy.program import DeviceFile
from host_tools.errors import UserError
from host_tools.monitor.console_client import ConsoleError
from host_tools.provision import command, secrets_folder

OLD, NEW = b'{"address": "10.0.0.1/24"}', b'{"addres": "10.0.0.2/24"}'


class Listening:
    """A board that refuses an entry that it does not know, told by its self-test."""

    folder: Path
    silent = False

    def __init__(self, serial: object, show: object) -> None:
        pass

    def start(self) -> tuple[dict[str, object], dict[str, object]]:
        if self.silent:
            raise ConsoleError("no answer within 60 s; the last line was: nothing")
        path = self.folder / "config" / "board.json"
        is_wrong = path.exists() and "addres" in json.loads(path.read_bytes())
        problems = ["board.json: addres: no such entry"] if is_wrong else []
        return {}, {"board_problems": problems}


class Silent(Listening):
    """It was running before."""

    silent = True


@pytest.fixture
def board(
    need: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderPrompt]:
    prompt = FolderPrompt(tmp_path, str(need("micropython")))
    (tmp_path / "main.py").write_bytes(program.main_file().content)
    (tmp_path / "config").mkdir()
    Listening.folder = tmp_path
    monkeypatch.setattr(command, "Listener", Listening)
    yield prompt
    prompt.close()


def provision(prompt: FolderPrompt, content: bytes, ran: bool = False) -> list[str]:
    written = command._write(Device(prompt, KIND), [DeviceFile("board.json", content)])
    command._try_board_file(prompt, KIND, ran)
    return written


def on_board(prompt: FolderPrompt) -> bytes | None:
    path = prompt.folder / "config" / "board.json"
    return path.read_bytes() if path.exists() else None


def test_the_one_of_before_comes_back(board: FolderPrompt) -> None:
    assert provision(board, OLD) == ["board.json"]
    with pytest.raises(UserError, match=r"addres: no such entry: .* the one of before again"):
        provision(board, NEW)
    assert on_board(board) == OLD


def test_a_first_one_that_is_refused_goes(board: FolderPrompt) -> None:
    (board.folder / "config" / "board.json.old").write_bytes(b"{}")  # of a year ago
    with pytest.raises(UserError, match=r"addres: no such entry: .* has none again"):
        provision(board, NEW)
    assert on_board(board) is None


def test_one_that_a_broken_cable_left_untried_is_tried(board: FolderPrompt) -> None:
    provision(board, OLD)
    command._write(Device(board, KIND), [DeviceFile("board.json", NEW)])
    assert on_board(board) == NEW
    with pytest.raises(UserError, match="no such entry"):
        provision(board, NEW)
    assert on_board(board) == OLD


def test_a_gateway_that_does_not_come_back_is_told(
    board: FolderPrompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Listener", Silent)
    provision(board, OLD)  # nothing was deployed yet
    with pytest.raises(UserError, match=r"a gateway ran there and does not answer any more"):
        provision(board, OLD, ran=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"address": "192.168.10.20"}', "address: needs its prefix, as 192.168.10.20/24"),
        ('{"address": "192.168.10.300/24"}', "address: '192.168.10.300/24' is none"),
        ('{"address": "192.168.10.20/24", "gateway": "192.168.1.1"}', "gateway: 192.168.1.1 is"),
        ("[]", "needs one object"),
        ("{", "Expecting"),
    ],
)
def test_addresses_are_checked_before_anything_is_touched(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "board.json"
    path.write_text(content)
    with pytest.raises(UserError) as refused:
        command._board_file(path)
    assert said in str(refused.value)


def test_good_addresses_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    for content in (
        b'{"address": "192.168.10.20/24", "gateway": "192.168.10.1", "tls": 1}',
        b'{"input_on_level": 1}',
        b'{"address": "", "gateway": ""}',
    ):
        path.write_bytes(content)
        assert command._board_file(path).content == content


CLOSED = '{"racks": [{"relay": 1, "current_da": 900}]}'


def test_a_new_key_is_made_only_once_the_gateway_may_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the laptop would sign with a key that the gateway does not have."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text(ON_THE_NETWORK)
    secrets_folder.write_private(tmp_path / "devices/gw-001/device.key", b"11" * 32 + b"\n")
    provision = ["provision", "--board", "waveshare_esp32s3_eth_8di_8ro", "--site", "site.toml"]
    with at_cable(f"{ETX}status {CLOSED}\n".encode(), b"status\n") as port:
        assert main([*provision, "--new-key", "--port", port]) == 2
    assert "1 of 1 racks are closed" in capsys.readouterr().err
    (key,) = (tmp_path / "devices/gw-001").iterdir()
    assert key.read_bytes() == b"11" * 32 + b"\n"
