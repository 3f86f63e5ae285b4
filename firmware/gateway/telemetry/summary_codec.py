"""One rack's summaries, one after the other in few bytes and without loss.

A number says which fields changed, then comes each change: against the last summary, for the two
fields that grow steadily against the last step. About 10 bytes instead of 46. The format stands in
README.md; `host_tools/decode` reads it.
"""

from __future__ import annotations

from gateway.telemetry.number_codec import write_number, write_signed
from gateway.telemetry.records import SAMPLE_FIELDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

# The fields in the order of the frame: what changes most often first, so that most summaries have
# one or two bytes of changed-bits.
ORDER = (
    "acquired_ms", "rack_current_da", "rack_voltage_dv", "cell_max_mv", "cell_min_mv",
    "cell_max_index", "cell_min_index",
    "cell_mean_mv", "summary_number", "temp_max_dc", "temp_min_dc", "temp_mean_dc", "soc_pm",
    "insulation_kohm",
    "charge_da", "discharge_da", "quality", "level", "rule", "bms_trip_bits", "contactor",
    "relay", "soh_pm", "rack",
)  # fmt: skip
STEADY = ("acquired_ms", "summary_number")
# Changed-bits, and 5 bytes for each field.
LARGEST_BYTES = 4 + 5 * len(ORDER)

_PLACES = bytes([SAMPLE_FIELDS.index(name) for name in ORDER])
_STEADY_AT = tuple([ORDER.index(name) for name in STEADY])


class SummaryEncoder:
    """Chains of summaries; 26 numbers in RAM for each, and `changes`.

    `changes`: a list of 24 numbers to work in; several encoders can share it, None makes an own
    one.
    """

    def __init__(self, changes: list[int] | None = None, chains: int = 1) -> None:
        self._last = [0] * (chains * len(ORDER))
        self._steps = [0] * (chains * len(STEADY))  # last change of each of them
        self._changes = [0] * len(ORDER) if changes is None else changes

    def encode(
        self,
        values: list[int] | array[int],
        key: bool,
        out: bytearray | memoryview,
        start: int,
        chain: int = 0,
    ) -> int:
        """Write the next summary of a chain to out[start:]; where it ends. Allocates nothing.

        `values` are in the order of records.SAMPLE_FIELDS, each -2^31..2^32-1; beyond +-2^30 a
        32-bit board allocates them. `key`: it shall need no earlier summary. ValueError when
        there are other than 24 values, or less room than LARGEST_BYTES.
        """
        if len(values) != len(_PLACES) or start < 0 or len(out) - start < LARGEST_BYTES:
            raise ValueError("summary or room")
        last, steps, changes = self._last, self._steps, self._changes
        first, first_step = chain * len(ORDER), chain * len(STEADY)
        if key:
            for index in range(first, first + len(ORDER)):
                last[index] = 0
            for index in range(first_step, first_step + len(STEADY)):
                steps[index] = 0
        changed = 0
        for index in range(len(changes)):
            value = values[_PLACES[index]]
            change = value - last[first + index]
            last[first + index] = value
            if index in _STEADY_AT:
                place = first_step + _STEADY_AT.index(index)
                step = change
                change -= steps[place]
                steps[place] = step
            changes[index] = change
            if change:
                changed |= 1 << index
        at = write_number(out, start, changed)
        for change in changes:
            if change:
                at = write_signed(out, at, change)
        return at
