"""What proves the protection without a clock: missed trips of the fault matrix, mutation score."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

from host_tools.bench.results import Metric
from host_tools.bench.rounds import FULL, Effort
from host_tools.errors import UserError
from host_tools.mutate.verdicts import RESULTS as MUTATIONS
from host_tools.protection_matrix import fault_matrix
from host_tools.toolchain.progress import step

_QUICK_PAIRS = 3


def measure(effort: Effort) -> list[Metric]:
    """The fault matrix, some minutes, and the mutation score as `gatewayctl mutate` left it."""
    with step("faults of the data against real dangers"):
        missed = missed_trips(None if effort == FULL else _QUICK_PAIRS)
    return [missed, mutation_score()]


def missed_trips(most: int | None) -> Metric:
    """Pairs of a fault of the data and a danger that end weaker than with good data; `most` of
    them are tried, None = all. Those that no gateway can know are counted apart.
    """
    outcomes = list(islice(fault_matrix.outcomes(), most))
    missed = [each for each in outcomes if not each.safe and not each.residual]
    residual = sum(not each.safe and each.residual for each in outcomes)
    return Metric(
        "missed_trips",
        float(len(missed)),
        "trips",
        bound=0,
        target=0,
        at_most=True,
        details={
            "note": f"{len(outcomes)} pairs of a fault of the data and a danger;"
            f" {residual} residual risks, see the matrix",
            "pairs": len(outcomes),
            "residual": residual,
            "missed": [f"{each.fault} hides {each.danger}" for each in missed],
        },
    )


def mutation_score() -> Metric:
    """Share of the mutants that a test noticed; no value while some were not tried."""
    found = _mutations()
    whole = bool(found.get("complete")) and not found.get("untried")
    counts = ("killed", "survived", "equivalent", "untried")
    note = ", ".join(f"{found[name]} {name}" for name in counts if name in found)
    return Metric(
        "mutation_score",
        found["score"] if whole else None,
        "x",
        bound=1.0,
        target=0.95,
        details={
            "note": note or "run `gatewayctl mutate` first",
            "score_so_far": found.get("score"),
        }
        | {name: found.get(name) for name in ("mutants", "killed", "survived", "untried")},
    )


def _mutations() -> dict[str, Any]:
    try:
        found = json.loads(MUTATIONS.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{MUTATIONS}: cannot be read ({error}); delete it") from error
    if not isinstance(found, dict) or "score" not in found:
        raise UserError(f"{MUTATIONS}: holds no verdicts; delete it")
    return found
