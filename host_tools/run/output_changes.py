"""What a gateway did to the site: every relay and every limit it wrote, with the times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from host_tools.run.evidence import Evidence
from host_tools.simulate.truth import Change


def relay_changes(evidence: Evidence) -> dict[str, Sequence[Change]]:
    """Changes of every relay, by the name of its rack or of what it is for."""
    of_racks = {rack.name: rack.relay_changes for rack in evidence.racks}
    return of_racks | evidence.site_relays


def figures(evidence: Evidence) -> dict[str, Any]:
    """For the summary: relays and contactors as [ms, on], limits as [ms, which, 0.1 A]."""
    return {
        "relays": {name: _times(found) for name, found in relay_changes(evidence).items()},
        "contactors": {rack.name: _times(rack.contactor_changes) for rack in evidence.racks},
        "open_commands": {rack.name: list(rack.open_commands_ms) for rack in evidence.racks},
        "limits": {
            rack.name: [list(each) for each in rack.limit_changes] for rack in evidence.racks
        },
    }


def _times(changes: Sequence[Change]) -> list[list[int | bool]]:
    return [[change.at_ms, change.on] for change in changes]
