"""main.py of a board: which folder's program it starts when some of them cannot be loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.northbound import program_slot
from host_tools.toolchain.paths import ROOT

MAIN = ROOT / "boards" / "parts" / "slot_main.py"
MACHINE = """\
class WDT:
    def __init__(self, timeout):
        if timeout > {longest}:
            raise ValueError("too long")
        print("watchdog", timeout)

    def feed(self):
        print("fed")
"""
BOARD = """\
import common
class Board:
    name = {name!r}
"""
APP = """\
import common
def run(board, config="config"):
    print("runs", {name!r}, board.name, common.NAME, *([] if config == "config" else [config]))
"""


class Root:
    """A board's root filesystem, and a start of it."""

    def __init__(self, folder: Path, interpreter: str) -> None:
        self.folder = folder
        self.interpreter = interpreter
        (folder / "main.py").write_bytes(MAIN.read_bytes())
        (folder / "machine.py").write_text(MACHINE.format(longest=10**6))

    def program(self, slot: str) -> None:
        gateway = self.folder / slot / "gateway"
        gateway.mkdir(parents=True)
        (self.folder / slot / "board.py").write_text(BOARD.format(name=slot))
        (self.folder / slot / "common.py").write_text(f"NAME = {slot!r}\n")
        (gateway / "__init__.py").write_text("")
        (gateway / "app.py").write_text(APP.format(name=slot))

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def start(self) -> list[str]:
        command = [self.interpreter, "main.py"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return [*done.stdout.splitlines(), *done.stderr.splitlines()[-1:]]


@pytest.fixture
def root(need: Callable[[str], Path], tmp_path: Path) -> Root:
    return Root(tmp_path, str(need("micropython")))


def ran(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("runs")]


def test_the_chosen_folder_runs_behind_an_armed_watchdog(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_b config_a\n")
    assert root.start() == ["watchdog 120000", "fed", "runs slot_b slot_b slot_b config_a"]


def test_a_trial_runs_once(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_a")
    root.write("slot.trial", "slot_b")
    assert ran(root.start()) == ["runs slot_b slot_b slot_b"]
    assert ran(root.start()) == ["runs slot_a slot_a slot_a"]


@pytest.mark.parametrize("damage", ["common.py", "board.py", "gateway/app.py"])
@pytest.mark.parametrize("content", ["raise ValueError('incompatible .mpy file')", "(", None])
def test_a_trial_with_a_bad_file_gives_way_to_what_is_used(
    root: Root, damage: str, content: str | None
) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_a")
    root.write("slot.trial", "slot_b")
    if content is None:
        (root.folder / "slot_b" / damage).unlink()
    else:
        root.write(f"slot_b/{damage}", content)
    lines = root.start()
    assert ran(lines) == ["runs slot_a slot_a slot_a"]  # nothing of the other is left
    assert "slot_b cannot be loaded" in lines[1]


def test_what_is_used_gives_way_to_what_ran_before_it(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_b")
    root.write("slot.last", "slot_a")
    root.write("slot_b/gateway/app.py", "import nothing_of_this_name")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a"]


def test_a_folder_that_is_being_written_is_not_fallen_back_to(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_b")
    root.write("slot_b/board.py", "(")
    lines = root.start()
    assert ran(lines) == []
    assert "nothing can be started" in lines[-1]
    assert lines[0] == "watchdog 120000"  # and then it restarts by itself


def test_a_choice_that_a_power_cut_left_half_renamed_is_found(root: Root) -> None:
    root.program("slot_a")
    root.write("slot.new", "slot_a")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a"]


def test_program_and_configuration_are_chosen_together(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_a config_a")
    for trial, expected in (
        ("slot_b config_b", "slot_b slot_b slot_b config_b"),
        ("slot_a config_b", "slot_a slot_a slot_a config_b"),
        ("slot_b", "slot_b slot_b slot_b config_a"),
    ):
        root.write("slot.trial", trial)
        assert ran(root.start()) == [f"runs {expected}"]
        assert ran(root.start()) == ["runs slot_a slot_a slot_a config_a"]
    root.write("slot.trial", "slot_b config_b")
    root.write("slot_b/board.py", "(")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a config_a"]


def test_what_ran_before_has_its_own_configuration(root: Root) -> None:
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_b config_b")
    root.write("slot.last", "slot_a config_a")
    root.write("slot_b/board.py", "(")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a config_a"]


@pytest.mark.parametrize("name", ["slot", "slot.trial", "slot.last", "slot.new"])
def test_a_damaged_choice_is_none(root: Root, name: str) -> None:
    for slot in ("slot_a", "slot_b"):
        root.program(slot)
    root.write("slot.new" if name == "slot" else "slot", "slot_a config_a")
    (root.folder / name).write_bytes(b"slot_b\xff config_b")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a config_a"]
    assert not (root.folder / "slot.trial").exists()


def test_hold_on_trial_starts_nothing_until_the_watchdog_ends_it(root: Root) -> None:
    root.program("slot_a")
    root.write("slot", "slot_a")
    root.write("slot.trial", "hold")
    assert root.start() == ["watchdog 30000"]
    assert ran(root.start()) == ["runs slot_a slot_a slot_a"]


def test_hold_as_the_choice_starts_nothing_and_arms_nothing(root: Root) -> None:
    root.program("slot_a")
    root.write("slot", "hold")
    assert root.start() == root.start() == []


def test_a_processor_with_a_shorter_watchdog_has_that(root: Root) -> None:
    root.program("slot_a")
    root.write("slot", "slot_a")
    root.write("machine.py", MACHINE.format(longest=32000))
    assert root.start()[0] == "watchdog 30000"


def test_a_processor_without_a_watchdog_starts_too(root: Root) -> None:
    root.program("slot_a")
    root.write("slot", "slot_a")
    root.write("machine.py", "")
    assert root.start() == ["runs slot_a slot_a slot_a"]


def test_an_error_behind_the_loading_starts_no_other_program(root: Root) -> None:
    """Its relays may have closed: only a restart begins again."""
    root.program("slot_a")
    root.program("slot_b")
    root.write("slot", "slot_b")
    root.write("slot.last", "slot_a")
    root.write("slot_b/gateway/app.py", "def run(board):\n    raise ValueError('late')\n")
    lines = root.start()
    assert ran(lines) == []
    assert lines[-1] == "ValueError: late"


def test_what_is_kept_notes_what_ran_before_it(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slot in ("slot_a", "slot_b"):
        root.program(slot)
    monkeypatch.chdir(root.folder)
    for slot in ("slot_a", "slot_b", "slot_b"):
        monkeypatch.setattr(sys, "path", [slot, *sys.path])
        assert program_slot.keep("config_b") == {"kept": slot, "config": "config_b"}
    assert Path("slot").read_text() == "slot_b config_b"
    assert Path("slot.last").read_text() == "slot_a config_b"
    root.write("slot_b/board.py", "(")
    assert ran(root.start()) == ["runs slot_a slot_a slot_a config_b"]


def test_the_image_that_runs_because_nothing_else_loads_says_so(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.folder)
    assert (program_slot.kept("config"), program_slot.told("config")) == (True, "")
    root.write("slot", "slot_b config_b")
    assert not program_slot.kept("config_b")
    assert program_slot.told("config_b").startswith(", the image config_b, not what is chosen: ")
