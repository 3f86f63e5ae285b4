"""How fast a backlog goes upstream while protection goes on, and what that does to a trip.

A whole site as `make run` has it, whose gateway starts with hours of backlog on its flash and
without its broker. The broker comes when all racks are closed. Racks are struck all the time:
during the drain, and for as long after it.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from host_tools.bench.backlog_flash import Backlog, prepare
from host_tools.bench.drain_figures import Drain, metrics
from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.bench.site_config import PRODUCT
from host_tools.bench.trip_drill import Drill
from host_tools.bench.trip_latency import EXTRA_MS
from host_tools.bench.uplink_meter import UplinkMeter
from host_tools.errors import UserError
from host_tools.run import device_files, ports
from host_tools.run import plan as run_plan
from host_tools.run.broker import MOSQUITTO
from host_tools.run.plan import Plan
from host_tools.run.rig import Rig
from host_tools.site import compile as site_compile
from host_tools.toolchain.progress import say, step
from host_tools.toolchain.tools import find_tool, install_command

FACTOR = 1000  # the largest: how fair it is to others is not the question here
_SCENARIO = Path(__file__).with_name("backlog_drain.toml")
_MOST_DRAINS = 12
_READY_S = 90.0
_STOPPED_S = 30.0
_DRAINED_S = 1200.0  # on a machine that has other things to do
_QUIET_S = 20.0  # after a drain, at least: the live rate is that of some scans of all cells
_LOOK_S = 0.05


def measure(effort: Effort) -> list[Metric]:
    """Ratio and latency; some ten minutes in full."""
    if find_tool(MOSQUITTO) is None:
        raise UserError(f"no mosquitto ({install_command(MOSQUITTO)})")
    plan = _plan()
    drains: list[Drain] = []
    with tempfile.TemporaryDirectory() as folder:
        with step(f"journal: {effort.backlog_bytes / 1e6:g} MB of backlog"):
            used = asyncio.run(_used_flash(plan, Path(folder)))
            backlog = prepare(plan.config, effort.backlog_bytes, Path(folder), used)
        while sum(len(each.trips_meanwhile) for each in drains) < effort.drain_faults:
            if len(drains) == _MOST_DRAINS:
                say(f"only {len(drains)} drains were tried: fewer faults than wanted")
                break
            with step(f"drain {len(drains) + 1}: {backlog.hours:.1f} h of twelve racks"):
                drains.append(asyncio.run(_Outage(plan, backlog, len(drains)).run()))
    return metrics(drains, backlog, plan.config.integer("poll.summary_period_ms") + EXTRA_MS)


def _plan() -> Plan:
    plan = run_plan.make(PRODUCT, str(_SCENARIO), 0, "micropython")
    if plan.interpreter.name != "micropython":
        raise UserError("no MicroPython to measure: gatewayctl toolchain --build")
    tree = plan.tree | {"uplink": plan.tree["uplink"] | {"backlog_factor": FACTOR}}
    return replace(plan, tree=tree, config=site_compile.check(tree, plan.site))


async def _used_flash(plan: Plan, folder: Path) -> Path:
    """As a gateway leaves it: one with records and without latches would count as tripped."""
    ports.check_free(plan.ports, plan.rack_ports, plan.own_broker)
    rig = Rig(plan)
    try:
        await rig.start()
        await _all_closed(rig)
        await rig.stop_gateway(_STOPPED_S)
        used = folder / "used.img"
        shutil.copyfile(plan.folder / device_files.FLASH, used)
    finally:
        rig.gateway.expect_end()
        await rig.stop()
    if rig.errors:
        raise UserError(f"the run was not clean: {rig.errors[0]}")
    return used


async def _all_closed(rig: Rig) -> None:
    """Every rack was closed at least once."""
    closed: set[int] = set()

    def all_were_closed() -> bool:
        closed.update(i for i, rack in enumerate(rig.site.racks) if rack.contactor_closed)
        return len(closed) == len(rig.site.racks)

    await _until(all_were_closed, _READY_S, "not every rack was closed")


class _Rig(Rig):
    """The backlog on its flash, and no broker, when the gateway starts."""

    def __init__(self, plan: Plan, backlog: Backlog) -> None:
        super().__init__(plan)
        self._image = backlog.image
        self.meter = UplinkMeter(plan, backlog, self.clock)
        self.observer = self.meter

    async def start_gateway(self) -> None:
        assert self.broker is not None  # the plan has its own
        await self.broker.kill()
        shutil.copyfile(self._image, self.plan.folder / device_files.FLASH)
        await super().start_gateway()


class _Outage:
    """One life of a gateway: without its broker, the drain, and a quiet time."""

    def __init__(self, plan: Plan, backlog: Backlog, number: int) -> None:
        self._rig: _Rig | None = None
        self._over = False
        self._end_ms = 0
        self._backlog = backlog
        self._drill = Drill(plan, lambda _: self._over, self._make_rig, self._conduct, seed=number)

    async def run(self) -> Drain:
        """All of it."""
        found = await self._drill.run()
        if found.errors:
            raise UserError(f"the run was not clean: {found.errors[0]}")
        assert self._rig is not None  # made by the drill
        meter = self._rig.meter
        return Drain(found, meter.backlog, meter.live, meter.log, self._end_ms)

    def _make_rig(self, plan: Plan) -> Rig:
        self._rig = _Rig(plan, self._backlog)
        return self._rig

    async def _conduct(self, rig: Rig) -> None:
        assert self._rig is not None and rig.broker is not None
        meter = self._rig.meter
        await _all_closed(rig)
        await rig.broker.start()
        began_ms = rig.clock()
        await _until(lambda: meter.complete, _DRAINED_S, "the backlog is not upstream")
        await asyncio.sleep(max(_QUIET_S, (rig.clock() - began_ms) / 1000))
        self._end_ms = rig.clock()
        self._over = True


async def _until(condition: Callable[[], bool], longest_s: float, otherwise: str) -> None:
    try:
        async with asyncio.timeout(longest_s):
            while not condition():  # noqa: ASYNC110 - what is waited for gives no event
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise UserError(f"{otherwise} after {longest_s:g} s") from None
