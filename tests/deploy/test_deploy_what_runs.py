"""Deployment to a board that runs something else than is chosen: a trial, or a fallback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folder_board import CONFIG, KIND, FolderPrompt, PowerCut, modules, wanted

from host_tools.deploy import program
from host_tools.deploy.deployment import Deployment, Start, Wanted

OTHER_CONFIG = CONFIG.replace(b"gw-a", b"gw-b")


def lay(folder: Path, slot: str, name: str) -> None:
    for file in modules(name):
        path = folder / slot / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


@pytest.fixture
def board(need: Callable[[str], Path], tmp_path: Path) -> Iterator[FolderPrompt]:
    """slot_a is chosen, slot_b runs on trial; both have config_a."""
    prompt = FolderPrompt(tmp_path, str(need("micropython")))
    begin(prompt)
    yield prompt
    prompt.close()


def begin(prompt: FolderPrompt) -> None:
    folder = prompt.folder
    for path in folder.glob("slot*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    lay(folder, "slot_a", "chosen")
    lay(folder, "slot_b", "trial")
    (folder / "main.py").write_bytes(program.main_file().content)
    (folder / "slot").write_text("slot_a config_a")
    (folder / "config").mkdir(exist_ok=True)
    for file in wanted("chosen").config_files("config_a"):
        (folder / "config" / file.path).write_bytes(file.content)
    prompt.left = 1 << 30


def deploy(prompt: FolderPrompt, what: Wanted) -> None:
    """Up to the start on trial of `what`, while slot_b runs."""
    deployment = Deployment(prompt, KIND, what, lambda line: None)
    deployment.runs = Start("slot_b", "config_a")
    deployment.device.take()
    deployment.device.hold()
    plan = deployment.look()
    deployment.copy(plan, lambda name, count: None)
    deployment.switch(plan)


def ran(prompt: FolderPrompt) -> list[str]:
    return [line for line in prompt.said if line.startswith("runs ")]


def test_what_runs_on_trial_already_is_started_again(board: FolderPrompt) -> None:
    deploy(board, wanted("trial"))
    assert ran(board) == ["runs trial trial trial config_a"]
    assert board.start() == "chosen config_a"  # nobody kept it


@pytest.mark.parametrize(
    "config", [CONFIG, CONFIG.replace(b"gw-a", b"gw-b")], ids=["program", "both"]
)
def test_a_power_cut_never_leaves_a_program_of_two(board: FolderPrompt, config: bytes) -> None:
    steps = 0
    while True:
        board.left = steps
        try:
            deploy(board, wanted("new", config))
            break
        except PowerCut:
            started = board.start()
            if not started or started.startswith("new "):  # held for 30 s; the start on trial
                started = board.start()
            assert started in ("chosen config_a", "trial config_a")
            steps += 1
            begin(board)
    assert steps > 20
    assert len(ran(board)) == 1
    assert ran(board)[0].startswith("runs new new new config_")
    assert board.start() == "trial config_a"


def test_a_configuration_beside_what_runs_spares_the_chosen_one(board: FolderPrompt) -> None:
    (board.folder / "slot").write_text("slot_a config_b")
    deploy(board, wanted("trial", b'{"new": 1}\n'))
    assert ran(board) == ["runs trial trial trial config_b"]
    assert board.start() == "trial config_a"


def test_the_way_back_undoes_a_keep_whose_answer_was_lost(
    board: FolderPrompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answering:
        def __init__(self, serial: object, show: object) -> None:
            pass

        def start(self) -> tuple[dict[str, str], dict[str, str]]:
            _, slot, *_, config = ran(board)[-1].split()
            return {"mode": "run"}, {"slot": slot, "config": config}

    monkeypatch.setattr("host_tools.deploy.deployment.Listener", Answering)
    deployment = Deployment(board, KIND, wanted("new"), lambda line: None)
    deployment.device.take()
    deployment.device.hold()
    plan = deployment.look()
    deployment.copy(plan, lambda name, count: None)
    deployment.switch(plan)
    assert ran(board) == ["runs new new new config_a"]
    (board.folder / "slot").write_text("slot_b config_a")  # kept
    assert deployment.roll_back(plan) == "what was there before runs again (chosen)"
    assert board.start() == "chosen config_a"
