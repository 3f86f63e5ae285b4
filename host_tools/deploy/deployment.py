"""The steps of one deployment, in an order that leaves a board that starts wherever it ends."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway import VERSION
from gateway.config.file import DEPLOYED, NAME, checksum_file, checksum_text, content_file
from host_tools.cable.console_on_cable import CableConsole
from host_tools.cable.prompt import PROMPT, Prompt
from host_tools.deploy import plan as plans
from host_tools.deploy.boards import BoardKind
from host_tools.deploy.device import CHOICE, LAST, NEW, OLD, SLOTS, TRIAL, Device
from host_tools.deploy.identity import Identity, of_config
from host_tools.deploy.judge import Listener, Verdict, judge
from host_tools.deploy.plan import Plan
from host_tools.deploy.program import DeviceFile
from host_tools.monitor.console_client import ConsoleError, Status

_ASK_S = 2.0


class Start(NamedTuple):
    """What slot_main.py starts: a folder with a program, a configuration by its name."""

    slot: str = ""
    config: str = NAME


@dataclass(frozen=True)
class Wanted:
    """What shall be on the board; `config` is the text of its configuration."""

    program: Sequence[DeviceFile]
    config: bytes
    root: Sequence[DeviceFile]

    @property
    def crc(self) -> str:
        """Of the configuration, as the gateway tells it."""
        return f"{binascii.crc32(self.config):08x}"

    def config_files(self, name: str) -> list[DeviceFile]:
        """The configuration and its checksum under this name."""
        return [
            DeviceFile(content_file(name), self.config),
            DeviceFile(checksum_file(name), checksum_text(self.config)),
        ]


def ask_running(prompt: Prompt) -> Status | None:
    """The status of what runs there now; None only where MicroPython's prompt answers instead.

    {} for silence: a busy gateway, another version, or no MicroPython at all. CableError.
    """
    lines: list[str] = []
    console = CableConsole(prompt.serial, lines.append)
    try:
        return console.ask("status", _ASK_S)
    except ConsoleError:
        if prompt.is_free() or any(line.startswith(PROMPT) for line in lines):
            return None
        return {}


def ask_start(prompt: Prompt) -> Start | None:
    """What the gateway that runs there was started from; None for what is in its image."""
    try:
        report = CableConsole(prompt.serial).ask("selftest", _ASK_S)
    except ConsoleError:
        return None
    return Start(report["slot"], report.get("config", NAME)) if report.get("slot") else None


class Deployment:
    """One board; `show(line)` gets what its log says at the start."""

    def __init__(
        self, prompt: Prompt, kind: BoardKind, wanted: Wanted, show: Callable[[str], object]
    ) -> None:
        self.device = Device(prompt, kind)
        self._prompt = prompt
        self._wanted = wanted
        self._show = show
        self.runs: Start | None = None  # what is to stay whole; None: what is chosen
        self.on_trial = False  # what is new runs there, once
        self._chosen = Start()
        self._active = Start()
        self._next = Start()
        self._root: dict[str, str] = {}

    @property
    def identity(self) -> Identity:
        """Of the gateway that the board is to be."""
        return of_config(self._wanted.config)

    def look(self) -> Plan:
        """Compare with what is there; only after `device.take` or `device.hold`."""
        device, wanted = self.device, self._wanted
        chosen = device.call("text", CHOICE) or device.call("text", CHOICE + NEW)
        self._chosen = Start(*chosen.split()[:2])
        active = self._active = self.runs or self._chosen
        slots = {slot: device.digests(slot) for slot in SLOTS}
        config_name, config = self._config(active.config)
        self._root = device.digests("", [file.path for file in wanted.root])
        root = plans.differing(wanted.root, self._root)
        plan = plans.make(wanted.program, active.slot, slots, config, root)
        self._next = Start(plan.slot or active.slot, config_name)
        return plan

    def _config(self, active: str) -> tuple[str, list[DeviceFile]]:
        """The name that the next start's configuration has, and what is missing of it."""
        folder = self.device.kind.config
        for name in (active, next(name for name in DEPLOYED if name != active)):
            files = self._wanted.config_files(name)
            there = self.device.digests(folder, [file.path for file in files])
            missing = plans.differing(files, there)
            if not missing:
                break
        return name, missing

    def copy(self, plan: Plan, told: Callable[[str, int], object]) -> None:
        """Bring everything onto the board; nothing of it is used yet.

        `told(what, bytes)` after each piece.
        """
        device = self.device
        for file in plan.root:
            device.call("remove", [file.path + OLD])
            if file.path in self._root:
                device.copy(file.path, file.path + OLD, self._root[file.path])
            device.stage(file.path, file.content)
            told(file.path, len(file.content))
        if self._chosen != self._active and self._is_written(plan, self._chosen):
            # what runs is a trial, or fallen back to: half written, the chosen one may start
            device.write(CHOICE, " ".join(self._active).encode())
            self._chosen = self._active
        if self._is_written(plan, Start(*device.call("text", LAST).split()[:2])):
            device.call("remove", [LAST])
        if plan.slot:
            folder = f"{plan.slot}/"
            device.call("remove", [folder + path for path in plan.remove])
            for file in plan.copy:
                device.copy(f"{self._active.slot}/{file.path}", folder + file.path, file.digest)
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
            device.stage(f"{device.kind.config}/{file.path}", file.content, end="")
            told(file.path, len(file.content))

    def _is_written(self, plan: Plan, start: Start) -> bool:
        """Whether this plan writes over a part of that start."""
        if plan.slot and plan.slot == start.slot:
            return True
        return bool(plan.config) and self._next.config == start.config

    def switch(self, plan: Plan) -> None:
        """The next start, and only that one, is of the new program and configuration."""
        device = self.device
        device.call("replace", [(file.path + NEW, file.path) for file in plan.root])
        if self._next != self._chosen:
            device.write(TRIAL, " ".join(self._next).encode())
            self.on_trial = True
        device.restart()

    def judge(self) -> Verdict:
        """Start-up and self-test; a program that passed will be used from now on."""
        listener = Listener(self._prompt.serial, self._show)
        verdict = judge(listener, slot=self._next.slot, version=VERSION, crc=self._wanted.crc)
        if verdict.problem:
            return verdict
        try:
            answer = listener.console.ask("keep")
        except ConsoleError as error:
            answer = {"refused": str(error)}
        if "kept" not in answer:
            problem = f"it would not keep the program: {answer.get('refused', answer)}"
            return Verdict(problem, verdict.notes, verdict.status, verdict.report)
        self.on_trial = False
        return verdict

    def roll_back(self, plan: Plan) -> str:
        """The files beside the program as before, and a start by the choice; what runs now."""
        device = self.device
        device.take()
        self.on_trial = False
        device.hold()
        device.call("replace", [(file.path + OLD, file.path) for file in plan.root])
        self._choose_again()
        device.restart()
        if not (self._active.slot or device.kind.frozen):
            return "there is no earlier program to go back to; every relay is open"
        try:
            status, report = Listener(self._prompt.serial, self._show).start()
        except ConsoleError as error:
            return f"what was there before does not answer either: {error}"
        mode = "" if status["mode"] == "run" else ", in safe mode"
        return f"what was there before runs again ({report['slot'] or 'its image'}{mode})"

    def _choose_again(self) -> None:
        """What was chosen before: what is new may have been kept, and the answer to that lost."""
        device = self.device
        if Start(*device.call("text", CHOICE).split()[:2]) == self._chosen:
            return
        if self._chosen.slot:
            device.write(CHOICE, " ".join(self._chosen).encode())
        else:
            device.call("remove", [CHOICE])

    def _verify(self, slot: str) -> None:
        """Every file once more, as the board will read it."""
        wrong = plans.differing(self._wanted.program, self.device.digests(slot))
        for file in wrong:
            self.device.stage(f"{slot}/{file.path}", file.content, end="")
