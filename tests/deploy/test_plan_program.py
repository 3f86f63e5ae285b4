"""What is put onto a board, and how little of it is sent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from host_tools.cli import main
from host_tools.deploy import boards, mip_package, program
from host_tools.deploy.plan import make
from host_tools.deploy.program import DeviceFile
from host_tools.toolchain.paths import ROOT

A, B = DeviceFile("a.mpy", b"a"), DeviceFile("b.mpy", b"b")
IN_MICROPYTHON = {
    *("array", "asyncio", "binascii", "errno", "esp32", "gc", "hashlib", "io", "json", "logging"),
    *("machine", "micropython", "network", "os", "pyb", "random", "re", "select", "socket"),
    *("struct", "sys", "time", "tls", "uio", "utime", "vfs", "uctypes", "math", "collections"),
}


def hashes(*files: DeviceFile) -> dict[str, str]:
    return {file.path: file.digest for file in files}


def test_a_blank_board_gets_all_into_the_first_slot() -> None:
    plan = make([A, B], "", {"slot_a": {}, "slot_b": {}}, [], [])
    assert (plan.slot, plan.send, plan.copy) == ("slot_a", [A, B], [])


def test_what_the_running_slot_has_is_copied_on_the_board() -> None:
    slots = {"slot_a": hashes(A) | {"b.mpy": "other"}, "slot_b": {"old.mpy": "0"}}
    plan = make([A, B], "slot_a", slots, [], [])
    assert (plan.slot, plan.send, plan.copy, plan.remove) == ("slot_b", [B], [A], ["old.mpy"])


def test_what_an_interrupted_copy_left_is_used() -> None:
    slots = {"slot_a": {"a.mpy": "older"}, "slot_b": hashes(A)}
    plan = make([A, B], "slot_a", slots, [], [])
    assert (plan.slot, plan.send, plan.copy) == ("slot_b", [B], [])


def test_a_board_that_has_it_all_gets_nothing() -> None:
    plan = make([A, B], "slot_b", {"slot_a": {}, "slot_b": hashes(A, B)}, [], [])
    assert plan.is_empty
    config = make([A, B], "slot_b", {"slot_a": {}, "slot_b": hashes(A, B)}, [B], [])
    assert not config.is_empty
    assert config.line().startswith("program unchanged, configuration to send")


@pytest.mark.parametrize("kind", boards.BOARDS, ids=lambda kind: kind.name)
def test_every_board_has_all_that_its_program_imports(kind: boards.BoardKind) -> None:
    sources = dict(program.sources_of(kind))
    have = {name.removesuffix(".py").removesuffix("/__init__") for name in sources}
    for name, path in sources.items():
        if "logging" in name or "umodbus" in name:
            continue  # whole packages of others
        for wanted in _imported_at_start(path):
            known = wanted.replace(".", "/") in have or wanted.split(".")[0] in IN_MICROPYTHON
            assert known, f"{name} imports {wanted}"
    assert {"board", "gateway/app", "umodbus/functions", "__future__"} <= have


@pytest.mark.parametrize("kind", boards.BOARDS, ids=lambda kind: kind.name)
def test_assembler_is_where_the_codec_looks_for_it(kind: boards.BoardKind) -> None:
    has_it = "gateway/telemetry/cell_codec_thumb.py" in dict(program.sources_of(kind))
    assert has_it == kind.is_thumb == (5 <= kind.native <= 8)  # as cell_codec.py asks


def _imported_at_start(path: Path) -> list[str]:
    found = []
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def test_the_same_sources_make_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    kind = boards.find("qemu_mps2")
    here = program._compile(kind, "gateway/units.py", ROOT / "firmware" / "gateway" / "units.py")
    copy = tmp_path / "units.py"
    copy.write_bytes((ROOT / "firmware" / "gateway" / "units.py").read_bytes() + b"\n")
    there = program._compile(kind, "gateway/units.py", copy)
    assert here.content == there.content
    assert str(tmp_path).encode() not in there.content


def test_boot_stays_source_and_main_comes_last() -> None:
    files = program.root_files(boards.find("waveshare_esp32s3_eth_8di_8ro"))
    assert [file.path for file in files] == ["boot.py", "main.py"]
    assert b"slot.trial" in files[-1].content


def test_the_mip_package_in_the_tree_is_of_these_sources() -> None:
    assert mip_package.SOURCES.read_text() == mip_package.of_sources()


def test_an_unknown_board_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "--board", "arduino", "--site", "x.toml"]) == 2
    error = capsys.readouterr().err
    assert "no 'arduino'; there are: waveshare_esp32s3_eth_8di_8ro" in error
    assert error.count("\n") == 1
