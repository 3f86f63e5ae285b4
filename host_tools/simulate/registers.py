"""What the registers of a simulated rack must do, whatever map they follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from host_tools.simulate.cell_model import Integers

# Exception codes of the protocol.
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, TARGET_SILENT = 1, 2, 3, 0x0B

# What a read can be about.
SUMMARY, CELLS, TEMPS = "summary", "cells", "temps"
# What a write can command; values in engineering units.
CONTACTOR, HEARTBEAT = "contactor", "heartbeat"
CHARGE_LIMIT, DISCHARGE_LIMIT = "charge_limit_da", "discharge_limit_da"
NO_LIMIT = 0xFFFF


class RefusedError(Exception):
    """The device answers with this exception code; whoever carries the request catches it."""

    def __init__(self, code: int) -> None:
        """`code` as the protocol numbers them."""
        super().__init__(f"exception {code}")
        self.code = code


class Registers(Protocol):
    """The registers of one rack; one moment of the rack is seen between two `publish`.

    `exact`: the readings of a summary reach the master unchanged, and all of one moment.
    """

    exact: bool

    def publish(self, values: Mapping[str, int], cells_mv: Integers, temps_dc: Integers) -> None:
        """Take over a summary (by field name), every cell and every sensor."""

    def restart(self) -> None:
        """Registers that the master writes go back to their values at power-on."""

    def owns(self, function: int, address: int) -> bool:
        """Whether the register at `address` belongs to this rack: units may hold several."""

    def read(self, function: int, address: int, count: int) -> list[int]:
        """Registers, or bits as 0 and 1; RefusedError."""

    def write(self, function: int, address: int, values: list[int]) -> dict[str, int]:
        """Take values; what they command, by the names above. RefusedError changes nothing."""

    def subjects(self, function: int, address: int, count: int) -> list[tuple[str, int, int]]:
        """What a read is about, with the first cell or sensor and their number."""
