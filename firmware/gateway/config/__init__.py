"""The device's configuration: what it may say, and the one way to load it.

The same code checks on the laptop and on the device. `load` collects every problem, each with the
name of its setting, so that one look is enough to mend a file. Unknown names are refused: a
misspelt limit must not silently leave a default in force.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.config.curves import Points
    from gateway.config.inputs import InputSettings
    from gateway.config.limits import Limits
    from gateway.config.racks import BusSettings, RackSettings


class Config:
    """A configuration that passed every check. Parts take what they need of it and let it go.

    `crc` is the CRC-32 of the text it came from; 0 for one that was put together in parts.
    """

    def __init__(
        self,
        values: dict[str, object],
        buses: list[BusSettings],
        racks: list[RackSettings],
        limits: Limits,
        curves: dict[str, Points],
        inputs: list[InputSettings],
    ) -> None:
        self._values = values
        self.crc = 0
        self.buses = buses
        self.racks = racks
        self.limits = limits
        self.curves = curves
        self.inputs = inputs

    def integer(self, name: str) -> int:
        """Value of a setting in INTEGERS."""
        return self._values[name]  # type: ignore[return-value]

    def text(self, name: str) -> str:
        """Value of a setting in TEXTS."""
        return self._values[name]  # type: ignore[return-value]


def load(text: str) -> Config:
    """Parse and check a device configuration; ConfigError lists what is wrong."""
    from gateway.config.parse import parse  # a device lets this code go after the start

    return parse(text)
