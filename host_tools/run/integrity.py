"""Whether what the gateway recorded is what the racks said: no answer taken for another."""

from __future__ import annotations

from operator import attrgetter

from gateway.rack.data import GOOD
from host_tools.run.evidence import Evidence
from host_tools.simulate.access_log import SERVED

_readings = attrgetter(*SERVED)


def foreign_samples(evidence: Evidence) -> dict[int, int]:
    """How many good samples of a rack hold readings that this rack never gave out."""
    found: dict[int, int] = {}
    for record in evidence.delivered.samples:
        if record.quality != GOOD:
            continue
        served = evidence.racks[record.rack].served
        if served is not None and _readings(record) not in served:
            found[record.rack] = found.get(record.rack, 0) + 1
    return found
