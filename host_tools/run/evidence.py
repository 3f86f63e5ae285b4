"""What a run leaves behind: plain data, from which the verdict is a pure function.

Times are ms of the run's clock unless the name says otherwise; racks are counted from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from host_tools.decode.journal_image import JournalImage
from host_tools.monitor.console_client import Status
from host_tools.run.observer import Delivered
from host_tools.simulate.truth import Change

BlockRead = tuple[int, int, int]  # ms, first register address, count


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
    """A fault that a trip by `rule` must answer.

    `crossed_ms` is when the value was past its limit; for silence the last answer plus the
    permitted age.
    """

    rack: int
    rule: str
    silent: bool = False
    crossed_ms: int | None = None
    last_answer_ms: int | None = None


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
    block_reads: Sequence[BlockRead] = ()
    open_commands_ms: Sequence[int] = ()  # contactor commanded open over the bus


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
    period_ms: int = 500
    lives: list[Life] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    outage: Outage | None = None
    delivered: Delivered = field(default_factory=Delivered)
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
    def silenced(self) -> set[int]:
        """Racks whose silence is part of the scenario."""
        return {fault.rack for fault in self.faults if fault.silent}


def state_at(changes: Sequence[Change], at_ms: int) -> bool:
    """Whether a relay or contactor was on at that time; all begin off."""
    before = [change.on for change in changes if change.at_ms <= at_ms]
    return before[-1] if before else False
