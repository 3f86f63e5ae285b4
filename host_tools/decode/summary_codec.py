"""Summaries of a rack, as gateway.telemetry.summary_codec writes them."""

from __future__ import annotations

from gateway.telemetry.records import SAMPLE_FIELDS
from gateway.telemetry.summary_codec import ORDER, STEADY
from host_tools.decode.cell_codec import read_number, unzigzag
from host_tools.decode.records import DecodeError

_LOWEST, _HIGHEST = -(1 << 31), (1 << 32) - 1
_UNSIGNED = 0xFFFFFFFF


class SummaryChain:
    """What a summary needs of those before it; a new one for each key section."""

    def __init__(self) -> None:
        self._last = dict.fromkeys(SAMPLE_FIELDS, 0)
        self._steps = dict.fromkeys(STEADY, 0)

    def decode(self, data: bytes, start: int, end: int) -> tuple[dict[str, int], int]:
        """The fields of records.SAMPLE_FIELDS, in that order, and where the summary ends.

        DecodeError when it is no summary; then the chain is of no use any more.
        """
        changed, at = read_number(data, start, end)
        if changed >> len(ORDER):
            raise DecodeError("summary: changed fields that it does not have")
        last = self._last
        for index, name in enumerate(ORDER):
            change = 0
            if changed >> index & 1:
                number, at = read_number(data, at, end)
                change = unzigzag(number)
            if name in self._steps:
                change += self._steps[name]
                self._steps[name] = change
            last[name] += change
            if not _LOWEST <= last[name] <= _HIGHEST:
                raise DecodeError(f"summary: {name} out of range")
        sample = dict(last)
        for name in STEADY:  # 32 bits without a sign, whichever way the device kept them
            sample[name] &= _UNSIGNED
        return sample, at
