"""Composition of the bus side: links, buses and a poller per rack, from the configuration.

Racks with the same endpoint share one link and so one bus: the units of a serial line, or the
units behind one TCP converter.
"""

from __future__ import annotations

from micropython import const

from gateway.clock import add
from gateway.errors import ConfigError
from gateway.modbus.pdu import FRAME_BYTES, RTU
from gateway.modbus.reply_time import ReplyTime
from gateway.modbus.requests import Requests
from gateway.rack.bus import Bus
from gateway.rack.bus_time import BusTime
from gateway.rack.data import RackData, no_summary
from gateway.rack.incidents import Incidents
from gateway.rack.poller import RackPoller
from gateway.rack.rack_scans import Periods
from gateway.rack.register_map import RegisterMap
from gateway.rack.unit_address import UnitAddress
from gateway.rack.unit_health import UnitHealth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.config import Config
    from gateway.config.racks import RackSettings
    from gateway.contracts import Board
    from gateway.modbus.link import Link

_SHORTEST_PROBE_MS = const(20)
# a TCP deadline is four times the usual latency, but never below this
_SHORTEST_REPLY_MS = const(50)


class Southbound:
    """`buses` to be stepped, `pollers` in the order of the racks, `log` of what they notice."""

    def __init__(self, board: Board, settings: Config, now: int) -> None:
        made = _Composition(board, settings, now)  # and let go: it holds the configuration
        self.buses = made.buses
        self.pollers = made.pollers
        self.log = made.log

    def retry_now(self, now: int) -> None:
        """Ask every unit, and open every connection, without any pause."""
        for bus in self.buses:
            bus.retry_now(now)


class _Composition:
    def __init__(self, board: Board, settings: Config, now: int) -> None:
        self.buses: list[Bus] = []
        self.pollers: list[RackPoller] = []
        self.log = Incidents()
        self._board = board
        self._settings = settings
        self._table = map_table(settings.text("map"))
        self._maps: dict[int, RegisterMap] = {}
        self._periods = _periods(settings)
        self._staging = no_summary()
        self._scratch = bytearray(FRAME_BYTES)  # of all links: they are stepped one by one
        groups = _by_endpoint(settings.racks)
        pollers: dict[int, RackPoller] = {}
        period_ms = settings.integer("poll.summary_period_ms")
        for number, group in enumerate(groups):
            first_due = add(now, number * period_ms // len(groups))
            bus = self._bus([settings.racks[index] for index in group], group, first_due, now)
            self.buses.append(bus)
            for poller in bus.pollers:
                pollers[poller.data.index] = poller
        self.pollers = [pollers[index] for index in range(len(settings.racks))]

    def _bus(self, racks: list[RackSettings], group: list[int], first_due: int, now: int) -> Bus:
        rack = racks[0]
        name = rack.bus or "%s:%d" % (rack.host, rack.port)
        link, latency_ms, lowest_ms, highest_ms = self._link(rack)
        register_map = self._map(link.hole_registers())
        # Several units behind one address: a converter, which hands on a serial line's answers,
        # and may give a late one the transaction number of the next question.
        nameless = link.framing == RTU or len(set([each.unit for each in racks])) > 1
        alone = len(racks) == 1
        probe_ms = min(highest_ms, max(_SHORTEST_PROBE_MS, 4 * latency_ms))
        requests = Requests(link.framing)
        probe_time = ReplyTime(probe_ms, probe_ms, latency_ms)
        units: dict[int, tuple[ReplyTime, UnitHealth]] = {}
        pollers = []
        for index, each in zip(group, racks):
            if each.unit not in units:
                units[each.unit] = (
                    ReplyTime(lowest_ms, highest_ms, latency_ms),
                    UnitHealth(alone, nameless, now),
                )
            if each.position >= register_map.positions:
                raise ConfigError(
                    "racks: %s: position %d, but the map has positions 0..%d"
                    % (each.name, each.position, register_map.positions - 1)
                )
            shift = each.position * register_map.stride
            reply_time, health = units[each.unit]
            address = UnitAddress(requests, each.unit, shift, reply_time, probe_time, health)
            pollers.append(
                RackPoller(
                    self._data(index, each.name, register_map, now),
                    register_map,
                    address,
                    self._periods,
                    first_due,
                    self.log,
                )
            )
        bus = Bus(name, link, pollers, now)
        problem = BusTime(bus, self._settings.integer("poll.summary_period_ms")).problem()
        if problem:
            raise ConfigError(problem)
        return bus

    def _link(self, rack: RackSettings) -> tuple[Link, int, int, int]:
        """The link to an endpoint, the usual latency there and the bounds of a deadline, ms."""
        settings = self._settings
        board = self._board
        if not rack.bus:
            from gateway.modbus.tcp_link import TcpLink  # only here: few sites need both kinds

            longest_ms = settings.integer("poll.reply_timeout_ms")
            link: Any = TcpLink(
                board.network(),
                rack.host,
                rack.port,
                settings.integer("poll.connect_timeout_ms"),
                board.random,
                self._scratch,
            )
            latency_ms = settings.integer("poll.latency_ms")
            return link, latency_ms, min(_SHORTEST_REPLY_MS, longest_ms), longest_ms
        from gateway.modbus.rtu_link import RtuLink

        bus = [each for each in settings.buses if each.name == rack.bus][0]
        try:
            port = board.uart(bus.uart, bus.baud, bus.parity, bus.stop)
        except OSError as error:
            raise ConfigError("buses: %s: uart %d: %s" % (bus.name, bus.uart, error))
        link = RtuLink(port, board.clock.micros, latency_ms=bus.latency_ms, scratch=self._scratch)
        return link, bus.latency_ms, bus.reply_timeout_ms, bus.reply_timeout_ms

    def _map(self, hole_registers: int) -> RegisterMap:
        """The register map for a kind of link; large, so links of the same kind share it."""
        if hole_registers not in self._maps:
            self._maps[hole_registers] = RegisterMap(
                self._table,
                self._settings.integer("cells_per_rack"),
                self._settings.integer("temps_per_rack"),
                hole_registers,
            )
        return self._maps[hole_registers]

    def _data(self, index: int, name: str, register_map: RegisterMap, now: int) -> RackData:
        settings = self._settings
        # A summary of one block is judged as soon as it is decoded: so all racks can share it.
        staging = self._staging if len(register_map.summary) == 1 else None
        return RackData(
            index,
            name,
            settings.integer("cells_per_rack"),
            settings.integer("temps_per_rack"),
            settings.limits["comm_loss"][0].set_point,  # type: ignore[union-attr]
            now,
            staging,
        )


def map_table(name: str) -> Any:
    """The generated table of a register map; ConfigError when there is none of this name."""
    try:
        package = __import__("gateway.rack.maps." + name)
        table = getattr(package.rack.maps, name)
    except (ImportError, AttributeError):
        table = None
    if not hasattr(table, "MAP_ID"):
        raise ConfigError("map: no register map %s" % name)
    return table


def _periods(settings: Config) -> Periods:
    return Periods(
        settings.integer("poll.summary_period_ms"),
        settings.integer("poll.scan_period_ms"),
        settings.integer("poll.temp_period_ms"),
        settings.integer("poll.detail_period_ms"),
        settings.integer("poll.hot_period_ms"),
    )


def _by_endpoint(racks: list[RackSettings]) -> list[list[int]]:
    """Indices of the racks that share a link, in the order of the first of each."""
    endpoints: list[tuple[str, str, int]] = []
    groups: list[list[int]] = []
    for index, rack in enumerate(racks):
        if rack.endpoint not in endpoints:
            endpoints.append(rack.endpoint)
            groups.append([])
        groups[endpoints.index(rack.endpoint)].append(index)
    return groups
