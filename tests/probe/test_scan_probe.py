"""scan and probe against racks that pymodbus serves."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from pymodbus_racks import HOST, VALUES, rack, serial, tcp

from host_tools.cli import main
from host_tools.maps.register_map import map_names

CELLS = {"byd-c130": 216}


def test_a_serial_line_is_found_with_its_speed_and_becomes_lines_of_a_site_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serial({3: rack("generic-416s"), 5: rack("generic-416s")}) as path:
        command = ["scan", "--serial", path, "--baud", "19200", "--frame", "8N1"]
        assert main([*command, "--units", "2-5", "--map", "generic-416s"]) == 0
    told, _, proposed = capsys.readouterr().out.partition("\n\n")
    assert [line.split(": ")[0] for line in told.splitlines()] == [
        f"{path} 19200 8N1 unit 3",
        f"{path} 19200 8N1 unit 5",
    ]
    assert "rack_voltage_dv 13650" in told
    site = tomllib.loads(proposed)
    assert site["map"] == "generic-416s"
    assert site["buses"] == [{"name": "rs485-1", "uart": 1, "baud": 19200, "frame": "8N1"}]
    assert [each["unit"] for each in site["racks"]] == [3, 5]


@pytest.mark.parametrize("name", map_names())
def test_every_map_is_recognised_among_all(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with tcp({7: rack(name, CELLS.get(name, 240))}) as port:
        assert main(["scan", "--tcp", f"{HOST}:{port}", "--units", "7", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["unit"], found["map"]) == (7, name)


def test_a_host_that_is_off_hides_none_of_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with tcp({1: rack("generic-416s")}) as port:
        hosts = f"{HOST}:9,{HOST}:{port}"
        command = ["scan", "--tcp", hosts, "--units", "1", "--map", "generic-416s", "--json"]
        assert main(command) == 0
    printed = capsys.readouterr()
    assert [each["unit"] for each in json.loads(printed.out)] == [1]
    assert f"{HOST}:9: cannot be opened" in printed.err


def test_nobody_is_said_with_what_to_check(capsys: pytest.CaptureFixture[str]) -> None:
    with serial({9: rack("generic-416s")}) as path:
        command = ["scan", "--serial", path, "--baud", "19200", "--frame", "8N1", "--units", "1-2"]
        assert main([*command, "--map", "generic-416s", "--timeout", "0.2"]) == 1
    assert "nobody answers: check A and B" in capsys.readouterr().out


def test_probe_reads_by_name_and_by_address(capsys: pytest.CaptureFixture[str]) -> None:
    with tcp({1: rack("generic-416s")}) as port:
        where = ["--tcp", f"{HOST}:{port}", "--unit", "1"]
        names = ["rack_current_da", "contactor_state", "3:0x6:2"]
        assert main(["probe", *names, *where, "--map", "generic_416s", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rack_current_da"] == f"{VALUES['rack_current_da'] / 10} A  [FE5C]"
    assert found["contactor_state"].startswith("1 (")
    assert found["3:0x6:2"] == "13650 (0x3552) 65116 (0xFE5C)"


def test_probe_tells_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    with tcp({1: rack("generic-416s")}) as port:
        assert main(["probe", "3:0xFFF0", "--tcp", f"{HOST}:{port}"]) == 1
    assert "refused, exception 2: it has no such register" in capsys.readouterr().out


def test_probe_writes_only_what_was_confirmed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = rack("generic-416s")
    item = image.map.write(image.map.commands[0].to)
    with tcp({1: image}) as port:
        command = ["probe", item.name, "--map", "generic-416s", "--tcp", f"{HOST}:{port}"]
        command += ["--write", "1"]
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert main(command) == 2  # nobody sits there
        monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        assert main(command) == 130
        assert main([*command, "--dry-run"]) == 0
        place = f"3:{item.address}"
        assert main(["probe", place, "--tcp", f"{HOST}:{port}"]) == 0
        assert main([*command, "--yes"]) == 0
        assert main(["probe", place, "--tcp", f"{HOST}:{port}"]) == 0
        refused = ["probe", "6:0xFFF0", "--write", "1", "--tcp", f"{HOST}:{port}", "--yes"]
        assert main([*refused, "--json"]) == 1
    *told, answer = capsys.readouterr().out.splitlines()
    assert json.loads(answer)["6:0xFFF0"].startswith("not written: refused, exception 2")
    assert f"{place}: {item.default} (0x{item.default:04X})" in told
    assert told[-2:] == [f"{item.name}: written 1", f"{place}: 1 (0x0001)"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["scan", "--serial", "/dev/none", "--baud", "x"], "--baud x: needs numbers"),
        (["scan", "--serial", "/dev/none", "--frame", "7E1"], "--frame 7E1: there are: 8N1"),
        (["scan", "--serial", "/dev/none", "--baud", "9600"], "cannot be opened: check its name"),
        (["scan", "--tcp", "127.0.0.1", "--units", "0-400"], "must be within 0..247"),
        (["probe", "3", "--tcp", "127.0.0.1:1"], "needs FUNCTION:ADDRESS"),
        (["probe", "soc", "--map", "generic-416s", "--tcp", "127.0.0.1:1"], "no 'soc'; of its"),
        (["probe", "3:0", "--tcp", "127.0.0.1:1"], "cannot be opened: check address"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


@contextmanager
def hanging_up(answers: bool) -> Iterator[int]:
    """A port that takes each request and then resets the connection, or says nothing."""
    server = socket.create_server((HOST, 0))
    taken = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                link, _ = server.accept()
                link.recv(64)
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                taken.append(link)  # alive
                if answers:
                    taken.pop().close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()
        for link in taken:
            link.close()


def test_a_unit_that_hangs_up_is_one_that_does_not_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with hanging_up(True) as port:
        assert main(["probe", "3:0", "3:1", "--tcp", f"{HOST}:{port}"]) == 1
        assert main(["scan", "--tcp", f"{HOST}:{port}", "--units", "1", "--map", "byd-c130"]) == 1
    told = capsys.readouterr().out
    assert told.count("no answer") == 2
    assert "nobody answers" in told


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_write_without_an_answer_may_have_been_done(
    hangs_up: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["probe", "6:0x0300", "--write", "1", "--yes", "--timeout", "0.1", "--json"]
    with hanging_up(hangs_up) as port:
        assert main([*command, "--tcp", f"{HOST}:{port}"]) == 1
    told = json.loads(capsys.readouterr().out)["6:0x0300"]
    assert told.startswith("no answer: nobody knows whether it was written")
