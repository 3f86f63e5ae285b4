"""The commands that a technician types at a cabinet: help, what they refuse, how they end."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import typer
from one_rack import ON_THE_NETWORK

from host_tools import cli
from host_tools.cable.prompt import CableError
from host_tools.cable.reach import CableClient
from host_tools.confirm import confirm
from host_tools.doctor import command as doctor
from host_tools.errors import UserError
from host_tools.probe.frames import REPLY, REQUEST, Frame
from host_tools.toolchain.paths import ROOT
from host_tools.toolchain.tools import find_tool

CHANGING = ("flash", "deploy", "provision", "probe")
COMMANDS = (*CHANGING, "doctor", "logs", "monitor", "scan", "capture", "replay")


class Terminal(io.StringIO):
    """Somebody at a keyboard who types this."""

    def isatty(self) -> bool:
        return True


def helped(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_whole_examples_that_are_understood(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = helped(command, capsys)
    assert "--json" in told
    assert ("--dry-run" in told) == (command in CHANGING)
    lines = re.findall(r"^ +gatewayctl (.*)$", told.partition("Examples:")[2], re.MULTILINE)
    assert lines
    parser = typer.main.get_command(cli.app).get_command(None, command)
    for line in lines:
        name, *arguments = shlex.split(line)
        assert name == command
        with parser.make_context(name, arguments):
            pass


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["scan"], "--serial PORT (usb: the only one there is) or --tcp HOST"),
        (["scan", "--serial", "a", "--tcp", "b"], "scan: needs --serial"),
        (["scan", "--tcp", "127.0.0.1:9"], "check address, cable"),
        (["scan", "--tcp", "h:x"], "--tcp h:x: needs HOST or HOST:PORT"),
        (["scan", "--serial", "/dev/ttyNONE0"], "/dev/ttyNONE0 9600 8N1: cannot be opened"),
        (["probe", "3:0"], "probe: needs --serial"),
        (["probe", "soc", "--tcp", "h"], "soc: needs FUNCTION:ADDRESS"),
        (["probe", "3:0", "--tcp", "h", "--dry-run"], "--dry-run and --yes go with --write"),
        (["capture", "x.jsonl"], "capture: needs --serial"),
        (["capture", "/none/x", "--tcp", "h", "--listen", "0"], "/none/x: No such file"),
        (["replay", "/none/x"], "/none/x: No such file"),
        (["logs", "--console", "127.0.0.1:9"], "check that the gateway has power"),
        (["monitor", "--json", "--console", "127.0.0.1:9"], "check that the gateway has power"),
        (["deploy", "--board", "opta", "--site", "s.toml"], "there are: waveshare_esp32s3"),
        (["provision", "--board", "arduino_opta", "--site", "s"], "is no site file"),
        (
            ["flash", "--board", "arduino_opta", "--image", "/none"],
            "/none: no such file",
        ),
    ],
)
def test_bad_input_is_one_line_with_what_to_do(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert word in error and error.count("\n") == 1


def test_a_question_wants_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UserError, match=r"Everything goes\. --yes goes on without a question"):
        confirm("Everything goes.")
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    confirm("Everything goes.")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(typer.Abort):
        confirm("Everything goes.")


def test_flash_takes_the_tool_that_pip_put_here_and_tells_as_json_what_it_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    image, tool, ran = (tmp_path / name for name in ("image.bin", "dfu-util", "ran"))
    image.write_bytes(b"x")
    tool.write_text(f'#!/bin/sh\necho "$@" >> {ran}\necho noise\n')
    tool.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert find_tool("dfu-util") == str(tool)
    command = ["flash", "--board", "arduino_opta", "--image", str(image), "--json"]
    assert cli.main([*command, "--dry-run"]) == 0
    planned = json.loads(capfd.readouterr().out)
    assert (planned["run"], ran.exists()) == (False, False)
    assert cli.main(command) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out) == planned | {"run": True}
    assert "noise" in printed.err
    assert ran.read_text().split()[-1] == planned["commands"][0][-1] == str(image)


def test_a_dry_run_of_provision_leaves_folder_and_board_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.toml"
    site.write_text(ON_THE_NETWORK)
    command = ["provision", "--board", "arduino_opta", "--site", str(site), "--dry-run"]
    command += ["--folder", str(tmp_path / "devices"), "--port", "/dev/ttyNONE0"]
    assert cli.main(command) == 0
    assert "a new one in" in capsys.readouterr().out
    assert cli.main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"gateway": "gw-001", "would_write": ["device.key"]}
    assert not (tmp_path / "devices").exists()


def test_a_recording_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rack01.jsonl"
    out.write_text("of yesterday")
    assert cli.main(["capture", str(out), "--tcp", "127.0.0.1:9", "--listen", "0"]) == 2
    assert "is there already: name another file" in capsys.readouterr().err
    assert out.read_text() == "of yesterday"


def test_a_capture_of_nothing_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = ["--tcp", "127.0.0.1:9", "--listen", "0", "--duration", "0.1"]
    assert cli.main(["capture", str(tmp_path / "a"), *nobody]) == 1
    assert "no gateway came to port" in capsys.readouterr().out
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    timer = threading.Timer(0.5, lambda: socket.create_connection(("127.0.0.1", port)).close())
    timer.start()
    command = ["capture", str(tmp_path / "b"), "--tcp", "127.0.0.1:9", "--listen", str(port)]
    assert cli.main([*command, "--duration", "1.5", "--json"]) == 1
    timer.join()
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 0
    assert told["problem"].startswith("1 connections came and 127.0.0.1:9 took none: check")


def test_a_port_that_is_taken_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [Frame(0, REQUEST, b"\1\3\0\0\0\1"), Frame(1, REPLY, b"\1\3\2\0\1")]
    recording = tmp_path / "rack01.jsonl"
    recording.write_text("".join(frame.line() + "\n" for frame in frames))
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["replay", str(recording), "--listen", port]) == 2
    error = capsys.readouterr().err
    assert f"--listen {port}: " in error and "names another port" in error
    command = ["replay", str(recording), "--listen", port, "--duration", "0.1", "--json"]
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out) == {"answered": 0, "strangers": 0}


@pytest.mark.parametrize(
    "arguments", [["replay", "{recording}", "--listen", "0"], ["capture", "{out}", "--tcp", "h"]]
)
def test_ctrl_c_ends_without_a_traceback(tmp_path: Path, arguments: list[str]) -> None:
    recording = tmp_path / "rack01.jsonl"
    recording.write_text(Frame(0, REQUEST, b"\1\3\0\0\0\1").line() + "\n")
    names = {"recording": recording, "out": tmp_path / "new.jsonl"}
    command = [sys.executable, "-m", "host_tools", *(each.format(**names) for each in arguments)]
    if arguments[0] == "capture":
        command += ["--listen", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    process.stderr.readline()  # what it waits for
    os.kill(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode in (0, 1)
    assert "Traceback" not in rest


def test_a_cable_that_is_pulled_while_logs_follow_is_one_line() -> None:
    class Pulled:
        """As the console of a cable."""

        def listen(self, duration_s: float) -> None:
            raise CableError("the connection broke off (gone)")

    class Prompt:
        serial = None
        port = "/dev/ttyACM0"

        def close(self) -> None:
            pass

    client = CableClient(Prompt(), print)  # type: ignore[arg-type]
    client.console = Pulled()  # type: ignore[assignment]
    with pytest.raises(UserError, match=r"ttyACM0: the connection broke off .*check that"):
        doctor.logs(client, "/dev/ttyACM0", doctor.LogLines(False), True)
