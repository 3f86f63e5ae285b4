"""What a run leaves behind: plain data, from which the verdict is a pure function.

Times are ms of the run's clock unless the name says otherwise; racks are counted from 0.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from host_tools.decode.journal_image import JournalImage
from host_tools.monitor.console_client import Status
from host_tools.run.delivered import Delivered
from host_tools.simulate.access_log import BlockRead, LimitChange
from host_tools.simulate.truth import Change

Served = tuple[int, ...]  # readings of one summary, see `integrity.py`


@dataclass
class Life:
    """One gateway process, from its start until it was killed or asked to stop."""

    started_ms: int
    ended_ms: int | None = None

    def covers(self, at_ms: int) -> bool:
        """Whether it was to do its work at that time."""
        return self.started_ms <= at_ms and (self.ended_ms is None or at_ms < self.ended_ms)


@dataclass
class Fault:
    """A fault that a trip by `rule`, or by one of `others`, must answer.

    `crossed_ms` is when the value was past its limit; for silence the last answer plus the
    permitted age. Not `timed`: no single value tells when the trip is due.
    """

    rack: int
    rule: str
    silent: bool = False
    others: tuple[str, ...] = ()
    timed: bool = True
    crossed_ms: int | None = None
    last_answer_ms: int | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Every rule that may answer."""
        return (self.rule, *self.others)


@dataclass
class Outage:
    """The broker was killed and listened again."""

    down_ms: int
    down_utc_ms: int
    up_ms: int | None = None


@dataclass
class RackEvidence:
    """What the simulated rack itself noted."""

    name: str
    relay_changes: Sequence[Change] = ()
    contactor_changes: Sequence[Change] = ()
    cell_reads: Sequence[BlockRead] = ()
    temp_reads: Sequence[BlockRead] = ()
    open_commands_ms: Sequence[int] = ()  # contactor commanded open over the bus
    limit_changes: Sequence[LimitChange] = ()  # that the gateway wrote
    served: Container[Served] | None = None  # every summary it gave out; None = not comparable


@dataclass(frozen=True)
class Reached:
    """A rack that must come to a level of one of the rules, and no further."""

    rack: int
    rules: tuple[str, ...]
    level: int


@dataclass
class Expected:
    """What the scenario file asks for; None = nothing in particular."""

    trips: Sequence[Reached] = ()
    levels: Sequence[Reached] = ()
    summary_gap_ms: int | None = None
    faulty_gap_ms: int | None = None
    cell_refresh_s: float | None = None
    lost_samples: int = 0
    never_read: Sequence[int] = ()
    relays: Sequence[tuple[str, bool]] = ()  # name of the rack or role, on at the end


@dataclass(frozen=True)
class BusEvidence:
    """One serial bus: what its slaves heard, and how long anybody was sending."""

    name: str
    baud: int
    busy_ms: int
    requests: int
    collisions: int  # somebody sent while somebody else was sending
    short_silences: int  # the master began before the line had been silent for t3.5
    bad_frames: int  # of the master, by their checksum
    late: int  # answers or bytes that the simulator gave out too late


@dataclass
class Evidence:
    """Everything that the verdict looks at."""

    scenario: str
    site: str
    interpreter: str
    broker: str
    cells_per_rack: int
    temps_per_rack: int
    trip_delays_ms: dict[str, int]  # of level 3, by rule
    comm_loss_ages_ms: tuple[int, ...]  # of levels 1..3
    racks: list[RackEvidence]
    site_relays: dict[str, Sequence[Change]] = field(default_factory=dict)  # by role
    opening_ms: int = 0  # from the decision to open a rack to its relay, at the longest
    period_ms: int = 500
    scan_period_ms: int = 4000
    temp_period_ms: int = 4000
    expected: Expected = field(default_factory=Expected)
    struck: set[int] = field(default_factory=set)  # racks whose data a fault keeps or spoils
    welded: set[int] = field(default_factory=set)  # racks whose contactor cannot open
    happened: dict[str, int] = field(default_factory=dict)  # how often each wire fault acted
    buses: Sequence[BusEvidence] = ()
    lives: list[Life] = field(default_factory=list)
    let_go: Sequence[tuple[int, str]] = ()  # watchdog and dead man, see `simulate/field.py`
    faults: list[Fault] = field(default_factory=list)
    outage: Outage | None = None
    delivered: Delivered = field(default_factory=lambda: Delivered(0))
    images: list[JournalImage] = field(
        default_factory=list
    )  # the last one is the flash at the end
    status: Status = field(default_factory=dict)  # the console's last answer
    heap_peak: int = 0
    late_ticks: int = 0  # the simulator did not get the processor
    interrupted: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def end_ms(self) -> int:
        """When the last gateway was asked to stop."""
        return (self.lives[-1].ended_ms or 0) if self.lives else 0

    @property
    def apart(self) -> set[int]:
        """Racks that do not count for how regularly racks are read: none when all are struck."""
        racks = self.struck | self.silenced
        return set() if len(racks) == len(self.racks) else racks

    @property
    def silenced(self) -> set[int]:
        """Racks whose silence is part of the scenario."""
        return {fault.rack for fault in self.faults if fault.silent}


def state_at(changes: Sequence[Change], at_ms: int) -> bool:
    """Whether a relay or contactor was on at that time; all begin off."""
    before = [change.on for change in changes if change.at_ms <= at_ms]
    return before[-1] if before else False
