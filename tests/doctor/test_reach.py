"""Ways to a gateway's console that do not lead to one."""

from __future__ import annotations

import pytest

from host_tools.cli import main

NOBODY = "127.0.0.1:9"  # the discard port, where nobody listens


@pytest.mark.parametrize("command", ["monitor", "doctor", "logs"])
@pytest.mark.parametrize(
    ("where", "line"),
    [
        (["--console", NOBODY], f"{NOBODY}: "),
        (["--console", "gateway"], "needs HOST:PORT"),
        (["--console", NOBODY, "--port", "usb"], "--console and --port: only one of them"),
        (["--port", "/dev/ttyNONE0"], "/dev/ttyNONE0: cannot be opened: check the name"),
    ],
)
def test_each_is_one_line(
    command: str, where: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *where]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
