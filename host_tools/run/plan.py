"""Everything about a run that is known, and checked, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from host_tools.errors import UserError
from host_tools.run import device_files, ports, rack_places, scenario, scenario_file
from host_tools.run.gateway_process import CPYTHON, MICROPYTHON, Interpreter, cpython, micropython
from host_tools.run.ports import Ports
from host_tools.run.rack_places import RTU, TCP
from host_tools.run.scenario import BEGIN, BROKER_DOWN, TimedStep
from host_tools.run.scenario_file import Scenario
from host_tools.simulate.simulated_site import SITE_RELAYS
from host_tools.simulate.topology import SerialTrunk, TcpTrunk, Topology
from host_tools.site import compile as site_compile
from host_tools.site.compile import Tree
from host_tools.site.products import Product
from host_tools.toolchain.interpreter import Found, locate


@dataclass(frozen=True)
class Plan:
    """One run; `tree` is the device's configuration and `config` the same, checked."""

    site: str
    product: Product
    scenario: Scenario
    steps: list[TimedStep]
    duration_s: int  # 0 = until Ctrl-C
    interpreter: Interpreter
    ports: Ports
    folder: Path
    tree: Tree
    config: Config
    topology: Topology
    own_broker: bool  # False: the site file names one
    differences: str  # of this run from the site, for a person

    @property
    def bus(self) -> str:
        """What kind of bus the racks are on, for a person."""
        kinds = {_kind(trunk) for trunk in self.topology.trunks}
        return " and ".join(sorted(kinds))

    @property
    def title(self) -> str:
        """What is run, for a person."""
        length = f"{self.duration_s} s" if self.duration_s else "until Ctrl-C"
        return f"{self.site}  {self.bus}  {self.scenario.name}  {self.interpreter.name}  {length}"

    @property
    def rack_ports(self) -> int:
        """TCP ports that the racks need, from the first one on."""
        return sum(isinstance(trunk, TcpTrunk) for trunk in self.topology.trunks)

    @property
    def broker_address(self) -> tuple[str, int]:
        """Host and port of the broker in use."""
        return self.config.text("uplink.host"), self.config.integer("uplink.port")


def make(
    site: str,
    scenario_name: str,
    duration_s: int,
    interpreter: str,
    bus: str = rack_places.AS_IN_SITE,
) -> Plan:
    """Plan a run; UserError for anything that is wrong with what was asked for.

    `scenario_name` is a name or the path of a .toml file; `bus` is tcp, rtu, or empty: what the
    scenario needs, else what the site file has, TCP when neither says anything.
    """
    wanted = scenario_file.find(scenario_name)
    rack_places.check_bus(bus)
    product, site_tree = site_compile.load_site(site)
    if wanted.config:
        site_tree = site_compile.merge(site_tree, wanted.config)
    of_site = site_compile.check(site_tree, site)
    own_broker = not site_tree.get("uplink", {}).get("host")
    if not own_broker and any(event.action == BROKER_DOWN for event in wanted.event):
        raise UserError(f"{site}: {wanted.name} kills the broker: remove uplink.host to get one")
    first = ports.first_port()
    run_ports = ports.ports_from(first)
    tree, topology = device_files.for_this_run(
        site, site_tree, product, run_ports, own_broker, bus or wanted.bus or ""
    )
    config = site_compile.check(tree, site)
    timed = scenario.timeline(wanted, duration_s, config)
    _check_shows(wanted, timed, topology)
    _check_relays(wanted, config)
    return Plan(
        site=site,
        product=product,
        scenario=wanted,
        steps=timed,
        duration_s=duration_s,
        interpreter=_choose(interpreter),
        ports=run_ports,
        folder=device_files.run_folder(first),
        tree=tree,
        config=config,
        topology=topology,
        own_broker=own_broker,
        differences=device_files.differences(of_site, config),
    )


def shows(step: scenario.Step, topology: Topology) -> bool:
    """Whether the fault of a step can show on the buses of its racks."""
    kinds = {_kind(topology.trunks[topology.places[rack].trunk]) for rack in step.racks}
    return step.fault is not None and not kinds.isdisjoint(step.fault.buses)


def _check_relays(wanted: Scenario, config: Config) -> None:
    """UserError when a relay of which the scenario expects something is not there."""
    known = [rack.name for rack in config.racks] + [
        role for role in SITE_RELAYS if config.integer(f"outputs.{role}_relay") >= 0
    ]
    for relay in wanted.expect.relays:
        if relay.name not in known:
            raise UserError(
                f"SCENARIO: {wanted.name}: no relay {relay.name!r}; there are: {', '.join(known)}"
            )


def _check_shows(wanted: Scenario, timed: list[TimedStep], topology: Topology) -> None:
    """UserError when nothing of the scenario can show on these buses."""
    begins = [entry.step for entry in timed if entry.step.action == BEGIN]
    kinds = {_kind(trunk) for trunk in topology.trunks}
    useless = begins and not wanted.event and not any(shows(step, topology) for step in begins)
    if useless or (wanted.bus and wanted.bus not in kinds):
        has = " and ".join(sorted(kinds))
        needed: str = wanted.bus or next(kind for kind in (TCP, RTU) if kind not in kinds)
        raise UserError(f"SCENARIO: {wanted.name} shows nothing on {has}, needs BUS={needed}")


def _kind(trunk: TcpTrunk | SerialTrunk) -> str:
    return RTU if isinstance(trunk, SerialTrunk) else TCP


def _choose(name: str) -> Interpreter:
    """The interpreter of that name; CPython, and a line that says so, without MicroPython."""
    if name not in (MICROPYTHON, CPYTHON):
        raise UserError(f"INTERPRETER: no {name!r}; there are: {MICROPYTHON}, {CPYTHON}")
    if name == CPYTHON:
        return cpython()
    found = locate()
    if isinstance(found, Found):
        return micropython(found.path)
    print(f"no MicroPython, CPython takes its place: {found.reason}", flush=True)
    return cpython()
