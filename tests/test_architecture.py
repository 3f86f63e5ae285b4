"""Data flows one way: `modbus -> rack -> protection -> outputs`, `rack -> telemetry -> uplink`.

Each check returns the offences it finds in a tree, so that it can be shown to find them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from source_tree import TYPES_ONLY, Import, imports, parse, python_files

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE = 500

# Modules of the ground floor import nothing but each other.
GROUND_FLOOR = {
    "backoff",
    "clock",
    "errors",
    "log",
    "units",
    "heap_care",
    "config",
    "clock_check",
    "ntp",
    "ntp_round",
    "time_sync",
}
# package -> the packages it may import; all may use the ground floor.
MAY_IMPORT = {
    "modbus": set(),
    "rack": {"modbus"},
    "protection": {"rack"},
    "outputs": {"rack", "protection"},
    "analytics": {"rack"},
    # records what was read, decided and done; nobody to the left knows it
    "telemetry": {"rack", "protection", "outputs"},
    "uplink": {"telemetry"},
    # shows everything; what comes in goes to protection as a request, never to outputs
    "northbound": {"rack", "protection", "outputs", "telemetry", "uplink"},
    "update": set(),
    "supervisor": set(),
}
# The composition root alone sees everything; safe_mode is what stands in its place.
ROOTS = {"app", "parts", "recording", "safe_mode", "southbound", "upstream"}
HARDWARE = {"machine", "network"}


def flow_offences(root: Path) -> list[str]:
    """Imports inside firmware/gateway against the flow."""
    gateway = root / "firmware" / "gateway"
    offences = []
    for path in python_files(gateway):
        owner = path.relative_to(gateway).with_suffix("").parts[0]
        if owner in ROOTS | TYPES_ONLY or owner == "__init__":
            continue
        for item in imports(parse(path)):
            target = _gateway_part(item)
            if target in TYPES_ONLY and item.for_types:
                continue
            if target is not None and not _allowed(owner, target):
                offences.append(f"{path.relative_to(root)}:{item.line}: imports {item.module}")
    return offences


def _gateway_part(item: Import) -> str | None:
    """`rack` of `gateway.rack.data`; None for a module outside the gateway and for constants."""
    parts = item.module.split(".")
    if item.module.startswith("."):
        return "a relative name"
    if parts[0] != "gateway" or len(parts) == 1 or parts[1].isupper():
        return None
    return parts[1]


def _allowed(owner: str, target: str) -> bool:
    if target == owner or (target in GROUND_FLOOR):
        return True
    return owner not in GROUND_FLOOR and target in MAY_IMPORT.get(owner, ())


def foreign_offences(root: Path) -> list[str]:
    """Imports of the wrong part of the project, of hardware, and of `time`."""
    rules = (
        # (folder, excepted prefix, forbidden top-level modules)
        ("firmware", None, {"host_tools", "boards", "tests"}),
        # which arms the watchdog before there is a board
        ("firmware", "slot_main.py", HARDWARE),
        ("firmware", "gateway/clock.py", {"time", "utime"}),
        ("boards", None, {"host_tools", "tests"}),
        ("host_tools", None, {"tests"} | HARDWARE),
        ("tests", "board", HARDWARE),
    )
    offences = []
    for folder, excepted, forbidden in rules:
        for path in python_files(root / folder):
            if excepted and path.relative_to(root / folder).as_posix().startswith(excepted):
                continue
            offences += [
                f"{path.relative_to(root)}:{item.line}: imports {item.module}"
                for item in imports(parse(path))
                if item.module.split(".")[0] in forbidden
            ]
    return offences


def unknown_packages(root: Path) -> list[str]:
    """Parts of firmware/gateway that the table above does not place."""
    known = MAY_IMPORT.keys() | GROUND_FLOOR | ROOTS | TYPES_ONLY | {"__init__", "__pycache__"}
    return [path.name for path in (root / "firmware/gateway").iterdir() if path.stem not in known]


def long_files(root: Path) -> list[str]:
    """Files beyond LONGEST_FILE lines; generated maps are data."""
    offences = []
    for folder in ("firmware", "host_tools", "boards", "tests"):
        for path in python_files(root / folder):
            lines = len(path.read_text().splitlines())
            if lines > LONGEST_FILE and "maps" not in path.parts:
                offences.append(f"{path.relative_to(root)}: {lines} lines")
    return offences


CHECKS = (flow_offences, foreign_offences, unknown_packages, long_files)


@pytest.mark.parametrize("check", CHECKS)
def test_project_keeps_the_rules(check) -> None:
    assert check(ROOT) == []


def test_project_is_really_looked_at() -> None:
    assert len(python_files(ROOT / "firmware" / "gateway")) > 10


FORBIDDEN = (
    (
        flow_offences,
        "firmware/gateway/protection/rules.py",
        "from gateway.telemetry import records",
    ),
    (flow_offences, "firmware/gateway/protection/rules.py", "import gateway.uplink.publisher"),
    (flow_offences, "firmware/gateway/modbus/link.py", "from gateway import rack"),
    (flow_offences, "firmware/gateway/rack/data.py", "def f():\n    import gateway.outputs"),
    (flow_offences, "firmware/gateway/rack/data.py", "from ..outputs import enforcer"),
    (flow_offences, "firmware/gateway/uplink/client.py", "from gateway.app import App"),
    (flow_offences, "firmware/gateway/clock.py", "from gateway.rack.data import GOOD"),
    (
        flow_offences,
        "firmware/gateway/outputs/enforcer.py",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from gateway.uplink.client import Client",
    ),
    (flow_offences, "firmware/gateway/rack/data.py", "from gateway.contracts import Board"),
    (foreign_offences, "firmware/gateway/outputs/relay.py", "from machine import Pin"),
    (foreign_offences, "firmware/gateway/rack/data.py", "import time"),
    (foreign_offences, "firmware/main.py", "import host_tools.cli"),
    (foreign_offences, "host_tools/run/command.py", "import network"),
    (foreign_offences, "boards/sim/board.py", "from host_tools import cli"),
    (unknown_packages, "firmware/gateway/helpers/misc.py", ""),
    (long_files, "host_tools/site/compile.py", "x = 1\n" * (LONGEST_FILE + 1)),
)


@pytest.mark.parametrize(("check", "name", "source"), FORBIDDEN)
def test_each_check_finds_what_it_forbids(check, name: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (tmp_path / "firmware" / "gateway").mkdir(parents=True, exist_ok=True)
    offences = check(tmp_path)
    assert len(offences) == 1, offences
    assert offences[0].startswith(name) or check is unknown_packages


ALLOWED = (
    ("firmware/gateway/outputs/enforcer.py", "from gateway.protection.engine import Engine"),
    ("firmware/gateway/rack/data.py", "from gateway.clock import diff"),
    ("firmware/gateway/clock.py", "import time"),
    ("firmware/gateway/app.py", "from gateway.uplink.publisher import Publisher"),
    (
        "firmware/gateway/rack/data.py",
        "if TYPE_CHECKING:\n    from gateway.contracts import Board",
    ),
    ("boards/sim/board.py", "import time\nfrom machine import Pin"),
)


@pytest.mark.parametrize(("name", "source"), ALLOWED)
def test_what_is_right_passes(name: str, source: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(source)
    assert flow_offences(tmp_path) + foreign_offences(tmp_path) == []
