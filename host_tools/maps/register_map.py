"""A register map as it stands in its CSV file, checked."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from host_tools.errors import UserError

MAPS = Path(__file__).parent
BLOCKS = ("summary", "control", "identity", "cells", "temps")
REPEATED = ("cells", "temps")
RAW_RANGE = {"u16": (0, 0xFFFF), "s16": (-0x8000, 0x7FFF)}
UNITS = (
    "count", "enum", "bits", "index", "0.1 V", "0.1 A", "0.1 %", "1 mV", "0.1 degC", "1 kOhm",
)  # fmt: skip
READ_LIMIT = 125  # registers in one answer, Modbus application protocol 1.1b3, 6.3


@dataclass(frozen=True)
class Register:
    """One line of a map: zero-based PDU address, type with its sign, unit, plausible raw range."""

    block: str
    address: int
    name: str
    count: str
    kind: str
    unit: str
    access: str
    low: int
    high: int
    note: str


@dataclass
class RegisterMap:
    """A whole map; `registers` are in address order."""

    name: str
    map_id: int
    map_version: int
    registers: list[Register] = field(default_factory=list)

    def block(self, name: str) -> list[Register]:
        """Registers of one block."""
        return [register for register in self.registers if register.block == name]

    @property
    def module_name(self) -> str:
        """Python name of the generated module."""
        return self.name.replace("-", "_").replace(".", "_")


def map_names() -> list[str]:
    """Names of all maps that are shipped."""
    return sorted(path.stem for path in MAPS.glob("*.csv"))


def load(name: str) -> RegisterMap:
    """Read and check the map called `name`; UserError names file, line and rule."""
    path = MAPS / f"{name}.csv"
    if not path.exists():
        raise UserError(f"no register map {name!r}; there are: {', '.join(map_names())}")
    meta: dict[str, int] = {}
    registers = []
    with path.open(newline="") as lines:
        for line, row in enumerate(csv.DictReader(lines), start=2):
            try:
                if row["block"] == "meta":
                    meta[row["name"]] = int(row["address"], 0)
                else:
                    registers.append(_register(row))
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(f"{path.name} line {line}: {error}") from error
    loaded = RegisterMap(name, meta["map_id"], meta["map_version"], registers)
    problems = _problems(loaded)
    if problems:
        raise UserError(f"{path.name}: {problems[0]}")
    return loaded


def _register(row: dict[str, str]) -> Register:
    register = Register(
        block=row["block"],
        address=int(row["address"], 0),
        name=row["name"],
        count=row["count"],
        kind=row["type"],
        unit=row["unit"],
        access=row["access"],
        low=int(row["low"]),
        high=int(row["high"]),
        note=row["note"],
    )
    if register.block not in BLOCKS:
        raise ValueError(f"block {register.block!r} is none of {BLOCKS}")
    if register.kind not in RAW_RANGE:
        raise ValueError(f"type {register.kind!r}: the sign must be given, u16 or s16")
    if register.unit not in UNITS:
        raise ValueError(f"unit {register.unit!r} is none of {UNITS}")
    low, high = RAW_RANGE[register.kind]
    if not low <= register.low <= register.high <= high:
        raise ValueError(f"range {register.low}..{register.high} impossible in {register.kind}")
    return register


def _problems(loaded: RegisterMap) -> list[str]:
    problems = []
    seen: dict[int, str] = {}
    for register in loaded.registers:
        if register.address in seen:
            problems.append(f"{register.name} overlaps {seen[register.address]}")
        seen[register.address] = register.name
    summary = loaded.block("summary")
    addresses = [register.address for register in summary]
    if addresses != list(range(addresses[0], addresses[0] + len(addresses))):
        problems.append("the summary block has holes")
    if len(summary) > READ_LIMIT:
        problems.append(f"the summary block exceeds one read of {READ_LIMIT} registers")
    for block in REPEATED:
        if len(loaded.block(block)) != 1:
            problems.append(f"exactly one line of block {block} is needed")
    return problems
