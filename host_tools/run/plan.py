"""Everything about a run that is known, and checked, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.config import Config
from host_tools.errors import UserError
from host_tools.run import device_files, ports, scenario
from host_tools.run.gateway_process import CPYTHON, MICROPYTHON, Interpreter, cpython, micropython
from host_tools.run.ports import Ports
from host_tools.run.scenario import BROKER_DOWN, TimedStep
from host_tools.site import compile as site_compile
from host_tools.site.compile import Tree
from host_tools.site.products import Product
from host_tools.toolchain.interpreter import Found, locate
from host_tools.toolchain.paths import BUILD


@dataclass(frozen=True)
class Plan:
    """One run; `tree` is the device's configuration and `config` the same, checked."""

    site: str
    product: Product
    scenario: str
    steps: list[TimedStep]
    duration_s: int  # 0 = until Ctrl-C
    interpreter: Interpreter
    ports: Ports
    folder: Path
    tree: Tree
    config: Config
    own_broker: bool  # False: the site file names one

    @property
    def title(self) -> str:
        """What is run, for a person."""
        length = f"{self.duration_s} s" if self.duration_s else "until Ctrl-C"
        return f"{self.site}  {self.scenario}  {self.interpreter.name}  {length}"

    @property
    def broker_address(self) -> tuple[str, int]:
        """Host and port of the broker in use."""
        return self.config.text("uplink.host"), self.config.integer("uplink.port")


def make(site: str, scenario_name: str, duration_s: int, interpreter: str) -> Plan:
    """Plan a run; UserError for anything that is wrong with what was asked for."""
    scenario.find(scenario_name)
    product, site_tree = site_compile.load_site(site)
    site_compile.check(site_tree, site)
    own_broker = not site_tree.get("uplink", {}).get("host")
    if not own_broker and any(step.action == BROKER_DOWN for step in scenario.find(scenario_name)):
        raise UserError(f"{site}: {scenario_name} kills the broker: remove uplink.host to get one")
    first = ports.first_port()
    run_ports = ports.ports_from(first)
    tree = device_files.for_this_run(site, site_tree, product, run_ports, own_broker)
    config = site_compile.check(tree, site)
    return Plan(
        site=site,
        product=product,
        scenario=scenario_name,
        steps=scenario.timeline(scenario_name, duration_s, config.limits),
        duration_s=duration_s,
        interpreter=_choose(interpreter),
        ports=run_ports,
        folder=BUILD / ("run" if first == ports.DEFAULT_FIRST else f"run-{first}"),
        tree=tree,
        config=config,
        own_broker=own_broker,
    )


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
