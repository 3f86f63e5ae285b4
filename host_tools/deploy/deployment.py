"""The steps of one deployment, in an order that leaves a board that starts wherever it ends."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway import VERSION
from host_tools.cable.console_on_cable import CableConsole
from host_tools.cable.prompt import Prompt
from host_tools.deploy import plan as plans
from host_tools.deploy.boards import BoardKind
from host_tools.deploy.device import CHOICE, NEW, OLD, SLOTS, TRIAL, Device
from host_tools.deploy.judge import Listener, Verdict, judge
from host_tools.deploy.plan import Plan
from host_tools.deploy.program import DeviceFile
from host_tools.monitor.console_client import ConsoleError, Status

_ASK_S = 2.0


@dataclass(frozen=True)
class Wanted:
    """What shall be on the board; `config` is the configuration, then its checksum."""

    program: Sequence[DeviceFile]
    config: Sequence[DeviceFile]
    root: Sequence[DeviceFile]

    @property
    def crc(self) -> str:
        """Of the configuration, as the gateway tells it."""
        return f"{binascii.crc32(self.config[0].content):08x}"


def ask_running(prompt: Prompt) -> Status | None:
    """The status of a gateway that runs there now; None when none answers."""
    try:
        return CableConsole(prompt.serial).ask("status", _ASK_S)
    except ConsoleError:
        return None


class Deployment:
    """One board; `show(line)` gets what its log says at the start."""

    def __init__(
        self, prompt: Prompt, kind: BoardKind, wanted: Wanted, show: Callable[[str], object]
    ) -> None:
        self.device = Device(prompt, kind)
        self._prompt = prompt
        self._wanted = wanted
        self._show = show
        self._active = ""
        self._slot = ""

    def look(self) -> Plan:
        """Compare with what is there; only after `device.take` or `device.hold`."""
        device, wanted = self.device, self._wanted
        self._active = device.call("text", CHOICE).strip()
        names = {slot: device.digests(slot) for slot in SLOTS}
        config = device.digests(device.kind.config, [file.path for file in wanted.config])
        root = device.digests("", [file.path for file in wanted.root])
        differs = plans.differing(wanted.config, config)
        plan = plans.make(
            wanted.program,
            self._active,
            names,
            list(wanted.config) if differs else [],
            plans.differing(wanted.root, root),
        )
        self._slot = plan.slot or self._active
        return plan

    def copy(self, plan: Plan, told: Callable[[str, int], object]) -> None:
        """Bring everything onto the board; nothing of it is used yet.

        `told(what, bytes)` after each piece.
        """
        device = self.device
        for file in plan.root:  # the old ones do until each is replaced, in one step
            device.write(file.path, file.content)
            told(file.path, len(file.content))
        if plan.slot:
            folder = f"{plan.slot}/"
            device.call("remove", [folder + path for path in plan.remove])
            for file in plan.copy:
                device.copy(f"{self._active}/{file.path}", folder + file.path, file.digest)
                told(file.path, 0)
            for file in plan.send:
                device.stage(
                    folder + file.path,
                    file.content,
                    lambda count, path=file.path: told(path, count),  # type: ignore[misc]
                    end="",
                )
            self._verify(plan.slot)
        for file in plan.config:
            device.stage(self._config_path(file), file.content)
            told(file.path, len(file.content))

    def switch(self, plan: Plan) -> None:
        """The configuration takes its place, the old one aside; the next start is the trial."""
        device = self.device
        names = [self._config_path(file) for file in plan.config]
        # the checksum last: what is cut off in between is refused, and every relay stays open
        pairs = [(name, name + OLD) for name in names]
        device.call("replace", [*pairs, *[(name + NEW, name) for name in names]])
        if plan.slot:
            device.write(TRIAL, plan.slot.encode())
        device.restart()

    def judge(self) -> Verdict:
        """Start-up and self-test; a program that passed will be used from now on."""
        listener = Listener(self._prompt.serial, self._show)
        verdict = judge(listener, slot=self._slot, version=VERSION, crc=self._wanted.crc)
        if verdict.problem:
            return verdict
        try:
            answer = listener.console.ask("keep")
        except ConsoleError as error:
            answer = {"refused": str(error)}
        if "kept" not in answer:
            problem = f"it would not keep the program: {answer.get('refused', answer)}"
            return Verdict(problem, verdict.notes, verdict.status, verdict.report)
        return verdict

    def roll_back(self, plan: Plan) -> str:
        """The configuration of before, and the program that starts by itself; what runs now."""
        device = self.device
        device.take()
        device.hold()
        names = [self._config_path(file) for file in plan.config]
        device.call("restore", [(name + OLD, name) for name in names])
        device.restart()
        if not (self._active or device.kind.frozen):
            return "there is no earlier program to go back to; every relay is open"
        try:
            status, report = Listener(self._prompt.serial, self._show).start()
        except ConsoleError as error:
            return f"what was there before does not answer either: {error}"
        mode = "" if status["mode"] == "run" else ", in safe mode"
        return f"what was there before runs again ({report['slot'] or 'its image'}{mode})"

    def _config_path(self, file: DeviceFile) -> str:
        return f"{self.device.kind.config}/{file.path}"

    def _verify(self, slot: str) -> None:
        """Every file once more, as the board will read it."""
        wrong = plans.differing(self._wanted.program, self.device.digests(slot))
        for file in wrong:
            self.device.stage(f"{slot}/{file.path}", file.content, end="")
