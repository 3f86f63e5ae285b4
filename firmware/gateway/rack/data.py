"""One data block per rack: integers in engineering units, each block with its age and quality.

Preallocated, one writer (the rack's poller). Readers run between two steps of the poller, so they
never see a half-written block.
"""

from __future__ import annotations

from array import array

from gateway.clock import diff, subtract

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

CONTACTOR_OPEN = 0
CONTACTOR_CLOSED = 1
CONTACTOR_UNKNOWN = 3

CELL_ABSENT = 0xFFFF  # in cells_mv: not read, or not available
TEMP_ABSENT = -0x8000  # in temps_dc: the same
ABSENT = -(1 << 30)  # in a slot that this rack BMS does not supply; never a measured value

_OLDEST_MS = 1 << 28  # 3.1 days; ages stop here, long before ticks compare the wrong way round


class RackData:
    """Everything known about one rack.

    `summary` is indexed by the slots above; `cells_mv` and `temps_dc` by cell and sensor number.
    `acquired` are ticks of the question; `sequence` counts good summaries (0 = none yet).
    `staging` is the decoder's: values of a summary of which not every block has been read yet.
    """

    def __init__(
        self, index: int, name: str, cells: int, temps: int, stale_after_ms: int, now: int
    ) -> None:
        self.index = index
        self.name = name
        self.stale_after_ms = stale_after_ms
        self.summary = array("i", [ABSENT] * len(SUMMARY_FIELDS))
        self.staging = array("i", [ABSENT] * len(SUMMARY_FIELDS))
        self.absent = bytearray(len(SUMMARY_FIELDS))  # 1 = its register does not exist here
        self.acquired = now  # of MISSING data: the start, so that its age grows too
        self.sequence = 0
        self.suspect = False
        self.implausible = 0  # answers that were not taken over
        self.odd_values = 0  # values out of range that no protection depends on
        self.cells_mv = array("H", [CELL_ABSENT] * cells)
        self.temps_dc = array("h", [TEMP_ABSENT] * temps)
        self.cells_acquired = now  # of the oldest part of the last whole scan
        self.cells_sequence = 0  # whole scans of the cells
        self.temps_sequence = 0  # whole scans of the temperatures
        # The register map's notes on this rack.
        self.staged = 1 << 16  # order of the summary block staged last; 1 << 16 = none
        self.started = False  # the BMS reports that its readings are real
        self.before_start = 0  # summaries that were void because it does not
        self.missing_registers: list[tuple[int, int, int]] = []  # (function, address, count)
        self.details: list[int] = []  # in the order of the map's `detail_names`; ABSENT = not read
        self.identity_problem = ""  # why this BMS is not the one the map describes

    def hold_age(self, now: int) -> None:
        """Keep a very old time stamp comparable; call at least once a day."""
        if diff(now, self.acquired) > _OLDEST_MS:
            self.acquired = subtract(now, _OLDEST_MS)

    def age_ms(self, now: int) -> int:
        """Milliseconds since the last good summary, or since start when there was none."""
        return diff(now, self.acquired)

    def quality(self, now: int) -> int:
        """Quality of the summary now."""
        if self.sequence == 0:
            return MISSING
        if self.age_ms(now) > self.stale_after_ms:
            return STALE
        return SUSPECT if self.suspect else GOOD
