"""One data block per rack: integers in engineering units, each block with its age and quality.

Preallocated, one writer (the rack's poller). Readers run between two steps of the poller, so they
never see a half-written block.
"""

from __future__ import annotations

from array import array

from micropython import const

from gateway.clock import add, diff, subtract

# Quality of a block.
MISSING = 0  # never read since start
GOOD = 1
SUSPECT = 2  # the last answer held an implausible value; the values here are older and were good
STALE = 3  # too long ago
QUALITY_NAMES = ("missing", "good", "suspect", "stale")

# Slots of the summary; a register map must supply every one of them.
SUMMARY_FIELDS = (
    "heartbeat", "state", "contactor_state",
    "alarm_warn_bits", "alarm_stop_bits", "alarm_trip_bits",
    "rack_voltage_dv", "rack_current_da", "soc_pm", "soh_pm",
    "cell_max_mv", "cell_max_index", "cell_min_mv", "cell_min_index", "cell_mean_mv",
    "temp_max_dc", "temp_max_index", "temp_min_dc", "temp_min_index", "temp_mean_dc",
    "charge_limit_da", "discharge_limit_da", "insulation_kohm", "cell_count", "temp_count",
)  # fmt: skip
HEARTBEAT = 0
STATE = 1
CONTACTOR_STATE = 2
ALARM_TRIP_BITS = 5
RACK_VOLTAGE_DV = 6
RACK_CURRENT_DA = 7
SOC_PM = 8
SOH_PM = 9
CELL_MAX_MV = 10
CELL_MAX_INDEX = 11
CELL_MIN_MV = 12
CELL_MIN_INDEX = 13
CELL_MEAN_MV = 14
TEMP_MAX_DC = 15
TEMP_MAX_INDEX = 16
TEMP_MIN_DC = 17
TEMP_MIN_INDEX = 18
TEMP_MEAN_DC = 19
CHARGE_LIMIT_DA = 20
DISCHARGE_LIMIT_DA = 21
INSULATION_KOHM = 22
CELL_COUNT = 23
TEMP_COUNT = 24

# A summary is void when one of these is out of its plausible range; of the others it may be.
VITAL = (
    CONTACTOR_STATE, RACK_VOLTAGE_DV, RACK_CURRENT_DA, CELL_MAX_MV, CELL_MIN_MV,
    TEMP_MAX_DC, TEMP_MIN_DC, CELL_COUNT, TEMP_COUNT,
)  # fmt: skip

# Measured values: a rack in service never holds all of them still for long.
_ANALOG = (
    RACK_VOLTAGE_DV, RACK_CURRENT_DA, CELL_MAX_MV, CELL_MAX_INDEX, CELL_MIN_MV, CELL_MIN_INDEX,
    CELL_MEAN_MV, TEMP_MAX_DC, TEMP_MAX_INDEX, TEMP_MIN_DC, TEMP_MIN_INDEX, TEMP_MEAN_DC,
)  # fmt: skip

CONTACTOR_OPEN = 0
CONTACTOR_CLOSED = 1
CONTACTOR_UNKNOWN = 3

CELL_ABSENT = 0xFFFF  # in cells_mv: not read, or not available
TEMP_ABSENT = -0x8000  # in temps_dc: the same
ABSENT = -(1 << 30)  # in a slot that this rack BMS does not supply; never a measured value

# Values of `suspect`, of the last answer.
_IN_ORDER = const(0)
_DOUBTED = const(1)
_REJECTED = const(2)  # implausible
_STARTING = const(3)
_STARTING_OPEN = const(4)  # and it says that its contactor is open

# 3.1 days; ages stop here, long before ticks compare the wrong way round
_OLDEST_MS = const(1 << 28)


_NO_ROOM: list[int] = []  # of all racks without details or thresholds: nothing is put into it


class RackData:
    """Everything known about one rack.

    `summary` is indexed by the slots above; `cells_mv` and `temps_dc` by cell and sensor number.
    `acquired` are ticks of the question; `sequence` counts good summaries (0 = none yet).
    `staging` is the decoder's: values of a summary of which not every block has been read yet.
    Racks whose summary is a single block may share it.

    `suspect`: not 0 while the values here are older than what the BMS says now; the reason.
    `starting`: the last answer showed a BMS that lives but has not started: its contactor open, no
    current, and zeros where nothing has been measured yet. Such an answer is neither a sample nor
    implausible; `alive_at` are the ticks of the last one. `supplied` is 1 for each slot that this
    rack's map supplies and whose registers exist in this device, as of the last good summary: a
    supplied value that is ABSENT was lost, any other was never there.
    """

    def __init__(
        self,
        index: int,
        name: str,
        cells: int,
        temps: int,
        stale_after_ms: int,
        now: int,
        staging: array[int] | None = None,
    ) -> None:
        self.index = index
        self.name = name
        self.stale_after_ms = stale_after_ms
        self.summary = no_summary()
        self.staging = no_summary() if staging is None else staging
        self.supplied = bytearray(len(SUMMARY_FIELDS))
        self.acquired = now  # of MISSING data: the start, so that its age grows too
        self.sequence = 0
        self.worst_age_ms = 0  # longest time between two good summaries so far
        self.suspect = _IN_ORDER
        self.implausible = 0  # answers that were not taken over
        self.odd_values = 0  # values out of range that no protection depends on
        self.alive_at = now
        self._rejected_at = now  # the last implausible answer
        self._rejected_ms = 0  # from the first one of the row to that
        self.cells_mv = array("H", [CELL_ABSENT] * cells)
        self.temps_dc = array("h", [TEMP_ABSENT] * temps)
        self.cells_acquired = now  # of the oldest part of the last whole scan
        self.cells_sequence = 0  # whole scans of the cells
        self.temps_sequence = 0  # whole scans of the temperatures
        # Since when something stands still; what a rack did while it was not heard does not count.
        self.heartbeat_changed_at = now  # means something only while the heartbeat is supplied
        self.values_changed_at = now  # any measured value, in a summary or in a scan
        # The register map's notes on this rack.
        self.staged = 1 << 16  # order of the summary block staged last; 1 << 16 = none
        self.started = False  # the BMS reports that its readings are real
        self.before_start = 0  # summaries that were void because it does not
        # (function, address, count, bits of the summary slots that are absent by it)
        self.missing_registers: list[tuple[int, int, int, int]] = []
        self.details = _NO_ROOM  # in the order of the map's `detail_names`; ABSENT = not read
        self.thresholds = _NO_ROOM  # limits set in the BMS, in the order of `threshold_names`
        self.thresholds_sequence = 0  # times all of them were read
        self.identity_problem = ""  # why this BMS is not the one the map describes

    def make_room(self, details: int, thresholds: int) -> None:
        """For at least so many of them; at start, not while running."""
        if details > len(self.details):
            self.details = self.details + [ABSENT] * (details - len(self.details))
        if thresholds > len(self.thresholds):
            self.thresholds = self.thresholds + [ABSENT] * (thresholds - len(self.thresholds))

    # What the decoder found; each of these allocates nothing.

    def take(self, acquired: int) -> None:
        """A good summary stands in `staging`: take it over."""
        first = self.sequence == 0
        age_ms = diff(acquired, self.acquired)
        if age_ms > self.worst_age_ms and not first:
            self.worst_age_ms = age_ms
        gap_ms = age_ms - self.stale_after_ms
        if gap_ms > 0:
            self.heartbeat_changed_at = _later(self.heartbeat_changed_at, gap_ms, acquired)
            self.values_changed_at = _later(self.values_changed_at, gap_ms, acquired)
        summary, staging = self.summary, self.staging
        beat = staging[HEARTBEAT]
        if first or (beat != ABSENT and beat != summary[HEARTBEAT]):
            self.heartbeat_changed_at = acquired
        for slot in _ANALOG:
            if first or summary[slot] != staging[slot]:
                self.values_changed_at = acquired
                break
        for slot in range(len(summary)):
            summary[slot] = staging[slot]
        self.acquired = acquired
        self.sequence += 1
        self.suspect = _IN_ORDER

    def take_sign_of_life(self, acquired: int, reads_open: bool) -> None:
        """The BMS lives but has not started; `reads_open`: it says that its contactor is open."""
        self.suspect = _STARTING_OPEN if reads_open else _STARTING
        self.alive_at = acquired

    def doubt(self) -> None:
        """What the BMS says now is not to be taken, and nobody knows yet what it is worth."""
        if self.suspect == _IN_ORDER:
            self.suspect = _DOUBTED

    def reject(self, asked: int) -> None:
        """An answer that cannot be believed, to a question at `asked`."""
        if self.suspect == _REJECTED:
            since_ms = max(0, diff(asked, self._rejected_at))
            self._rejected_ms = min(
                self._rejected_ms + min(since_ms, self.stale_after_ms), _OLDEST_MS
            )
        else:
            self._rejected_ms = 0
        self._rejected_at = asked
        self.suspect = _REJECTED
        self.implausible += 1

    def values_moved(self, now: int) -> None:
        """A scan brought another measured value than the one before."""
        self.values_changed_at = now

    # What there is to know.

    def hold_age(self, now: int) -> None:
        """Keep very old time stamps comparable; call at least once a day."""
        self.acquired = _held(self.acquired, now)
        self.alive_at = _held(self.alive_at, now)
        self._rejected_at = _held(self._rejected_at, now)
        self.cells_acquired = _held(self.cells_acquired, now)
        self.heartbeat_changed_at = _held(self.heartbeat_changed_at, now)
        self.values_changed_at = _held(self.values_changed_at, now)

    def age_ms(self, now: int) -> int:
        """Milliseconds since the last good summary, or since start when there was none."""
        return diff(now, self.acquired)

    def silence_age_ms(self, now: int) -> int:
        """Milliseconds since the last answer to be believed: a good summary, or a sign of life.

        A BMS that has just started begins from its last sign of life, not from its last good
        summary, which may be days old.
        """
        return min(diff(now, self.acquired), diff(now, self.alive_at))

    @property
    def starting(self) -> bool:
        """The last answer came from a BMS that lives but has not started."""
        return self.suspect >= _STARTING

    def is_starting(self, now: int) -> bool:
        """The BMS lives and has not started, as of an answer that is not stale."""
        return self.starting and diff(now, self.alive_at) <= self.stale_after_ms

    def implausible_ms(self, now: int) -> int:
        """How long the answers have been implausible; 0 when the last one was believed.

        Counts from the first one of an unbroken row of them. Silence is another matter: between
        two of them, and after the last one, no more than `stale_after_ms` counts.
        """
        if self.suspect != _REJECTED:
            return 0
        return self._rejected_ms + min(diff(now, self._rejected_at), self.stale_after_ms)

    def reads_open(self, now: int) -> bool:
        """Fresh data, or a fresh answer of a BMS that has not started, say "contactor open"."""
        if self.quality(now) == GOOD:
            return self.summary[CONTACTOR_STATE] == CONTACTOR_OPEN
        return self.suspect == _STARTING_OPEN and self.is_starting(now)

    def heartbeat_still_ms(self) -> int:
        """How long the heartbeat has stood still, as far as good summaries show it."""
        return max(0, diff(self.acquired, self.heartbeat_changed_at))

    def values_still_ms(self) -> int:
        """How long every measured value has stood still, as far as good summaries show it."""
        return max(0, diff(self.acquired, self.values_changed_at))

    def quality(self, now: int) -> int:
        """Quality of the summary now."""
        if self.sequence == 0:
            return MISSING
        if self.age_ms(now) > self.stale_after_ms:
            return STALE
        return SUSPECT if self.suspect else GOOD


def no_summary() -> array[int]:
    """Slots of a summary of which nothing is known."""
    return array("i", [ABSENT] * len(SUMMARY_FIELDS))


def _held(ticks: int, now: int) -> int:
    return subtract(now, _OLDEST_MS) if diff(now, ticks) > _OLDEST_MS else ticks


def _later(ticks: int, by_ms: int, latest: int) -> int:
    """`ticks` moved on by `by_ms`, but not beyond `latest`."""
    return latest if diff(latest, ticks) <= by_ms else add(ticks, by_ms)
