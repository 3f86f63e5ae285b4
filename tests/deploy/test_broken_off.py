"""A deployment that is broken off says in which state it leaves the board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from folder_board import FolderPrompt, wanted

from host_tools.cable.prompt import CableError
from host_tools.cli import main
from host_tools.deploy import command
from host_tools.deploy.deployment import Deployment
from host_tools.deploy.judge import Verdict

DEPLOY = ["deploy", "--board", "arduino_opta", "--site", "site.toml", "--port", "PORT"]
BEFORE, TRIAL = "starts as before", "what is new runs there on trial until its next start"


@pytest.fixture
def board(
    need: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderPrompt]:
    prompt = FolderPrompt(tmp_path, str(need("micropython")))
    monkeypatch.setattr(prompt, "open", lambda: None)
    monkeypatch.setattr(command, "Prompt", lambda port: prompt)
    monkeypatch.setattr(command, "ask_running", lambda prompt: None)
    monkeypatch.setattr(command, "_wanted", lambda kind, site: wanted("new"))
    yield prompt
    prompt.close()


def breaking(error: BaseException) -> Callable[..., None]:
    def broken(*_: object) -> None:
        raise error

    return broken


def test_a_cable_that_is_pulled(
    board: FolderPrompt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for step, said, unsaid in (("copy", BEFORE, TRIAL), ("judge", TRIAL, BEFORE)):
        with monkeypatch.context() as patch:
            patch.setattr(Deployment, step, breaking(CableError("gone")))
            assert main(DEPLOY) == 2
        error = capsys.readouterr().err
        assert said in error
        assert unsaid not in error
        assert error.count("\n") == 1


def test_ctrl_c(
    board: FolderPrompt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    relays = "its relays are open until it has started again"
    for step, said, unsaid in (("copy", relays, TRIAL), ("judge", TRIAL, relays)):
        with monkeypatch.context() as patch:
            patch.setattr(Deployment, step, breaking(KeyboardInterrupt()))
            assert main(DEPLOY) == 130
        error = capsys.readouterr().err
        assert said in error
        assert unsaid not in error


def test_the_way_back_is_no_trial_any_more(
    board: FolderPrompt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Deployment, "judge", lambda self: Verdict("safe mode", (), {}, {}))
    monkeypatch.setattr(board, "restart", counted(board, 3))
    assert main(DEPLOY) == 2
    assert BEFORE in capsys.readouterr().err


def counted(board: FolderPrompt, last: int) -> Callable[[str], None]:
    """The restart that breaks off: hold, trial, hold again."""
    restart, left = board.restart, [last]

    def once_more(code: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise CableError("gone")
        restart(code)

    return once_more
