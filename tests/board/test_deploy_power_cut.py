"""The board's power fails at any step of the switch to another program, and of the way back.

Whatever is on flash then starts, and of two starts the second one is of what ran before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from one_rack import on_a_line
from usb_board import UsbBoard

from host_tools.cable.console_on_cable import CableConsole
from host_tools.cable.prompt import Prompt
from host_tools.deploy import boards, command
from host_tools.deploy.deployment import Deployment
from host_tools.deploy.judge import Listener
from host_tools.monitor.console_client import ConsoleError, Status
from host_tools.toolchain.emulated_board import Image

_HELD_S = 33.0
KIND = boards.find("qemu_mps2")


class PowerCut(Exception):
    """Instead of the step that it came before."""


class CutPrompt(Prompt):
    """Of so many steps that the board takes, one does not happen any more."""

    left = 1 << 30

    def run(self, code: str | bytes) -> str:
        self._count()
        return super().run(code)

    def restart(self, code: str) -> None:
        self._count()
        super().restart(code)

    def _count(self) -> None:
        if not self.left:
            raise PowerCut
        self.left -= 1


class Site:
    """A board that runs `old` and is about to get `new`, which differs in its configuration."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.board = UsbBoard(image.elf, folder)
        self.wanted = {}
        for name in ("old", "new"):
            path = folder / f"{name}.toml"
            path.write_text(f'gateway = "gw-{name}"\n{on_a_line()}')
            self.wanted[name] = command._wanted(KIND, str(path))

    def deployment(self, name: str) -> tuple[CutPrompt, Deployment]:
        prompt = CutPrompt(self.board.port)
        prompt.open()
        return prompt, Deployment(prompt, KIND, self.wanted[name], lambda line: None)

    def running(self) -> Status:
        """Status; a board that was held for a deployment which did not come starts after 30 s."""
        prompt = Prompt(self.board.port)
        prompt.open()
        try:
            return Listener(prompt.serial, lambda line: None).start()[0]
        except ConsoleError as error:
            assert "no message" in str(error)  # it is held, or else there would be one
            CableConsole(prompt.serial).listen(_HELD_S)
            return Listener(prompt.serial, lambda line: None).start()[0]
        finally:
            prompt.close()

    def cut_power(self) -> None:
        self.board.__exit__()
        self.board.__enter__()

    def is_old(self) -> bool:
        """Whether what runs now is what ran before; and it does run, not in safe mode."""
        status = self.running()
        assert status["mode"] == "run"
        return bool(status["config"]["crc"] == self.wanted["old"].crc)


@pytest.fixture(scope="module")
def site(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(image, tmp_path_factory.mktemp("site"))
    with site.board:
        prompt, deployment = site.deployment("old")
        copied(deployment)
        assert not deployment.judge().problem
        prompt.close()
        yield site
    site.board.memory.close()


def copied(deployment: Deployment, switched: bool = True) -> Callable[[], None]:
    """Everything up to the switch, or with it; the way back."""
    deployment.device.take()
    deployment.device.hold()
    plan = deployment.look()
    deployment.copy(plan, lambda what, count: None)
    if switched:
        deployment.switch(plan)
        Listener(deployment.device.prompt.serial, lambda line: None).start()
    return lambda: deployment.switch(plan) if not switched else back(deployment, plan)


def back(deployment: Deployment, plan: object) -> None:
    deployment.roll_back(plan)  # type: ignore[arg-type]


@pytest.mark.parametrize("switched", [False, True], ids=["switch", "roll-back"])
def test_a_power_cut_at_any_step_leaves_a_board_that_starts(site: Site, switched: bool) -> None:
    steps = 0
    while True:
        prompt, deployment = site.deployment("new")
        go_on = copied(deployment, switched)
        prompt.left = steps
        try:
            go_on()
            break
        except PowerCut:
            steps += 1
        finally:
            prompt.close()
        site.cut_power()
        if not site.is_old():  # the one start on trial
            assert not switched
            site.cut_power()
            assert site.is_old()
    assert steps > 4
    if not switched:
        assert not site.is_old()
        site.cut_power()
    assert site.is_old()
