"""Every rule's level 3, from the racks' registers or the inputs to the relays' registers.

The cases are those of the protection matrix, on the image that a board would run: racks at the end
of its UARTs, trip relays in its registers, inputs in the shared word. Levels 1 and 2, limits and
times are tested on the simulated board; here counts that the same firmware reaches the outputs.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from journal import trips
from pydantic import TypeAdapter

from gateway.config.rules import NAMES, OPEN
from host_tools.emulator.board_config import tree_of
from host_tools.emulator.board_site import BoardSite
from host_tools.protection_matrix.case import SMALL, Case, Run
from host_tools.protection_matrix.runs import LARGE_RUNS, LOAD, SMALL_RUNS
from host_tools.simulate import faults
from host_tools.simulate.fault_base import Fault
from host_tools.site.compile import merge
from host_tools.toolchain.emulated_board import Image

ARM_S = 3.0
HEALTHY = 1  # racks without a case
PATIENCE_S = 220.0  # of a host with more to do
# A busy host may keep answers back: silence alone must not trip before the case does.
PATIENT = {
    "limits": {"comm_loss": {"l3": {"set": 10000}}},
    "telemetry": {"rewind_s": 0, "aftermath_s": 0, "fine_period_ms": 0},
    "outputs": {"arm_delay_ms": int(ARM_S * 1000)},
}
_FAULT: TypeAdapter[Fault] = TypeAdapter(faults.AnyFault)


def opening(run: Run) -> list[Case]:
    """Its cases that drop relays."""
    return [case for case in run.cases if case.reaction >= OPEN]


RACK_RUNS = [run for run in LARGE_RUNS if opening(run)]
SITE_RUNS = [run for run in SMALL_RUNS if opening(run)]


class Story:
    """One run on a board: everything of it happens at its time, counted from `ARM_S` before the
    moment at which every relay has closed.
    """

    def __init__(self, board: BoardSite) -> None:
        self.board = board
        self.zero_ms = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.board.until(self.board.all_closed, "all relays closed")
        self.zero_ms = self.board.clock() - int(ARM_S * 1000)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drive(self, case: Case, rack: int) -> None:
        for entry in case.faults:
            self._tasks.append(asyncio.create_task(self._drive(case.at, entry, rack)))

    async def _drive(self, at_s: float, entry: dict[str, object], rack: int) -> None:
        fault = _FAULT.validate_python({**entry, "begin": entry.get("begin", 0.0)})
        assert fault.begin.seconds is not None
        await self.until(at_s + fault.begin.seconds)
        faults.begin(self.board.site, fault, rack)
        if fault.end is not None and fault.end.seconds is not None:
            await self.until(at_s + fault.end.seconds)
            faults.end(self.board.site, fault, rack)

    async def until(self, at_s: float) -> None:
        await self.board.sleep_until(self.zero_ms + at_s * 1000)


def first_drop_ms(board: BoardSite, rack: int) -> int | None:
    relay = board.tree["racks"][rack]["trip_relay"]
    return next((ms for ms, each, on in board.changes if each == relay and not on), None)


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in RACK_RUNS])
def test_a_racks_level_3_drops_its_relay(run: Run, image: Image, tmp_path: Path) -> None:
    cases = opening(run)

    async def story() -> None:
        tree = tree_of(run.site, merge(PATIENT, run.config), len(cases) + HEALTHY)
        async with BoardSite(image.elf, tmp_path, run.site, tree, load=LOAD) as board:
            story = Story(board)
            await story.begin()
            for rack, case in enumerate(cases):
                story.drive(case, rack)
            await board.until(
                lambda: not any(board.closed(rack) for rack in range(len(cases))),
                "; ".join(case.name for case in cases),
                PATIENCE_S,
            )
            await story.end()
            for rack in range(len(cases), len(tree["racks"])):
                assert board.closed(rack), f"{tree['racks'][rack]['name']} had no fault"
            for rack, case in enumerate(cases):
                dropped_ms = first_drop_ms(board, rack)
                assert dropped_ms is not None
                assert dropped_ms > story.zero_ms + case.at * 1000, case.name
            # the relays have dropped before the flash has it
            wanted = {(rack, NAMES.index(case.rule)) for rack, case in enumerate(cases)}
            await board.until(
                lambda: wanted <= trips(board.memory, tmp_path), f"in the journal: {wanted}"
            )

    asyncio.run(story())


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in SITE_RUNS])
def test_a_sites_level_3_drops_every_relay(run: Run, image: Image, tmp_path: Path) -> None:
    (case,) = opening(run)

    async def story() -> None:
        tree = tree_of(SMALL, merge(PATIENT, run.config))
        async with BoardSite(image.elf, tmp_path, SMALL, tree, load=LOAD) as board:
            story = Story(board)
            await story.begin()
            inputs = {entry.name: entry for entry in board.settings.inputs}
            for step in run.cases:
                await story.until(step.at)
                assert board.all_closed(), f"before {step.name}"
                for name in step.inputs:
                    entry = inputs[name]
                    board.memory.set_input(entry.number, entry.on_level == 1)
            roles = {role: tree["outputs"][f"{role}_relay"] for role in case.relays}
            await board.until(
                lambda: (
                    not any(board.closed(rack) for rack in range(len(tree["racks"])))
                    and all(
                        board.relays[roles[role]] == energised
                        for role, energised in case.relays.items()
                    )
                ),
                case.name,
            )

    asyncio.run(story())


def test_every_rule_that_opens_is_here() -> None:
    from host_tools.protection_matrix.runs import cases

    wanted = {pair for pair, (_, case) in cases().items() if case.reaction >= OPEN}
    assert wanted == {case.pair for run in RACK_RUNS + SITE_RUNS for case in opening(run)}
