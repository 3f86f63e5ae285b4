"""What is recorded of a rack at one moment: its readings, and what protection made of them."""

from __future__ import annotations

from gateway.clock import diff
from gateway.rack import data as rack_data
from gateway.telemetry import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from gateway.clock import Clock
    from gateway.outputs.enforcer import Enforcer

# Fields of a sample that are taken over from the rack's summary as they are: name, slot there, and
# whether it is signed.
_TAKEN_OVER = (
    ("rack_voltage_dv", rack_data.RACK_VOLTAGE_DV, False),
    ("rack_current_da", rack_data.RACK_CURRENT_DA, True),
    ("soc_pm", rack_data.SOC_PM, False),
    ("soh_pm", rack_data.SOH_PM, False),
    ("cell_max_mv", rack_data.CELL_MAX_MV, False),
    ("cell_max_index", rack_data.CELL_MAX_INDEX, False),
    ("cell_min_mv", rack_data.CELL_MIN_MV, False),
    ("cell_min_index", rack_data.CELL_MIN_INDEX, False),
    ("cell_mean_mv", rack_data.CELL_MEAN_MV, False),
    ("temp_max_dc", rack_data.TEMP_MAX_DC, True),
    ("temp_min_dc", rack_data.TEMP_MIN_DC, True),
    ("temp_mean_dc", rack_data.TEMP_MEAN_DC, True),
    ("insulation_kohm", rack_data.INSULATION_KOHM, False),
    ("bms_trip_bits", rack_data.ALARM_TRIP_BITS, False),
)
_FIELDS = bytes([records.SAMPLE_FIELDS.index(name) for name, _, _ in _TAKEN_OVER])
_SLOTS = bytes([slot for _, slot, _ in _TAKEN_OVER])
_SIGNED = bytes([signed for _, _, signed in _TAKEN_OVER])
del _TAKEN_OVER  # the three rows take a tenth of its room
_RACK = records.SAMPLE_FIELDS.index("rack")
_QUALITY = records.SAMPLE_FIELDS.index("quality")
_LEVEL = records.SAMPLE_FIELDS.index("level")
_RULE = records.SAMPLE_FIELDS.index("rule")
_ACQUIRED = records.SAMPLE_FIELDS.index("acquired_ms")
_NUMBER = records.SAMPLE_FIELDS.index("summary_number")
_CHARGE = records.SAMPLE_FIELDS.index("charge_da")
_DISCHARGE = records.SAMPLE_FIELDS.index("discharge_da")
_CONTACTOR = records.SAMPLE_FIELDS.index("contactor")
_RELAY = records.SAMPLE_FIELDS.index("relay")
_SIGN = 1 << 31


class RackSummary:
    """Fills arrays in the order of `records.SAMPLE_FIELDS`."""

    def __init__(self, enforcer: Enforcer, clock: Clock) -> None:
        self._enforcer = enforcer
        self._clock = clock

    def fill(self, rack: int, values: array[int]) -> None:
        """Put what is known of `rack` now into `values`, an array of signed 32-bit numbers.

        Unsigned 32-bit fields wrap to negative numbers there.
        """
        enforcer = self._enforcer
        now = self._clock.ticks()
        data = enforcer.pollers[rack].data
        decision = enforcer.protections[rack].decision
        summary = data.summary
        for row in range(len(_FIELDS)):
            value = summary[_SLOTS[row]]
            values[_FIELDS[row]] = _signed(value) if _SIGNED[row] else _unsigned(value)
        values[_RACK] = rack
        values[_QUALITY] = data.quality(now)
        values[_LEVEL] = decision.level
        values[_RULE] = decision.rule
        values[_ACQUIRED] = wrapped(max(0, self._clock.uptime_ms() - diff(now, data.acquired)))
        values[_NUMBER] = wrapped(data.sequence)
        values[_CHARGE] = decision.charge_limit_da
        values[_DISCHARGE] = decision.discharge_limit_da
        values[_CONTACTOR] = _unsigned(summary[rack_data.CONTACTOR_STATE]) & 0xFF
        values[_RELAY] = enforcer.closed[rack]


def wrapped(number: int) -> int:
    """An unsigned number as the signed 32-bit one with the same bits."""
    return (number + _SIGN & 0xFFFFFFFF) - _SIGN


def _unsigned(value: int) -> int:
    """A 16-bit field; 65535 for what this rack BMS does not supply, and for what does not fit."""
    return value if 0 <= value < records.NO_UNSIGNED else records.NO_UNSIGNED


def _signed(value: int) -> int:
    """A signed 16-bit field; -32768 for what is not supplied or does not fit."""
    return value if -0x8000 < value < 0x8000 else records.NO_SIGNED
