"""Where each rack of a simulated site answers: a TCP port or a serial bus, unit and position."""

from __future__ import annotations

from dataclasses import dataclass

from host_tools.errors import UserError

BAUD = 115200
FRAME = "8N1"
FRAMES = {"8N1": 10, "8E1": 11, "8O1": 11, "8N2": 11}  # bits of a character on the wire
LATENCY_MS = 15.0  # of a BMS on a serial bus, from the end of the request's silence


@dataclass(frozen=True)
class TcpTrunk:
    """A Modbus TCP server; `offset` is its port's distance from the first one."""

    offset: int


@dataclass(frozen=True)
class SerialTrunk:
    """An RS-485 bus; `latency_ms` is what every BMS on it takes to answer."""

    name: str
    baud: int = BAUD
    frame: str = FRAME
    latency_ms: float = LATENCY_MS

    def __post_init__(self) -> None:
        """Raises UserError for what no bus can be."""
        if self.frame not in FRAMES:
            raise UserError(
                f"bus {self.name}: frame: no {self.frame!r}; there are: {', '.join(FRAMES)}"
            )
        if not 300 <= self.baud <= 1_000_000:
            raise UserError(f"bus {self.name}: baud: {self.baud} is outside 300..1000000")

    @property
    def char_bits(self) -> int:
        """Bits of a character on the wire."""
        return FRAMES[self.frame]


@dataclass(frozen=True)
class Place:
    """A rack's: `trunk` is a number in the topology, `position` the rack's number in the unit."""

    trunk: int
    unit: int
    position: int = 0


@dataclass(frozen=True)
class Topology:
    """`places` by rack."""

    trunks: tuple[TcpTrunk | SerialTrunk, ...]
    places: tuple[Place, ...]

    def units(self, trunk: int) -> dict[int, tuple[int, ...]]:
        """The racks of each unit of a trunk, by position."""
        found: dict[int, list[tuple[int, int]]] = {}
        for rack, place in enumerate(self.places):
            if place.trunk == trunk:
                found.setdefault(place.unit, []).append((place.position, rack))
        return {unit: tuple(rack for _, rack in sorted(at)) for unit, at in found.items()}


def a_port_each(racks: int) -> Topology:
    """Every rack behind a port of its own, unit 1."""
    return Topology(
        tuple(TcpTrunk(rack) for rack in range(racks)),
        tuple(Place(rack, 1) for rack in range(racks)),
    )


def one_bus(racks: int, baud: int = BAUD, frame: str = FRAME) -> Topology:
    """All racks on one serial bus, unit ids from 1."""
    return Topology(
        (SerialTrunk("rs485-1", baud, frame),),
        tuple(Place(0, rack + 1) for rack in range(racks)),
    )
