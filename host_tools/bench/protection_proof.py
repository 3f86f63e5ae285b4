"""What proves the protection without a clock: missed trips of the fault matrix, mutation score."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from host_tools.bench.results import Metric
from host_tools.bench.rounds import Effort
from host_tools.errors import UserError
from host_tools.mutate.verdicts import RESULTS as MUTATIONS
from host_tools.toolchain.progress import say

# Runs every fault of the data against every danger: (dangers driven, those that nothing answered).
Matrix = Callable[[], tuple[int, list[str]]]
MATRIX: Matrix | None = None


def measure(_: Effort) -> list[Metric]:
    """The mutation score as `gatewayctl mutate` left it, and the matrix once there is one."""
    metrics = [mutation_score()]
    if MATRIX is None:
        say("missed_trips: no fault matrix to run, left out")
    else:
        metrics.append(missed_trips(MATRIX))
    return metrics


def missed_trips(matrix: Matrix) -> Metric:
    """Dangers that were driven and that nothing answered."""
    driven, missed = matrix()
    return Metric(
        "missed_trips",
        float(len(missed)) if driven else None,
        "trips",
        bound=0,
        target=0,
        at_most=True,
        details={"note": f"{driven} dangers driven", "driven": driven, "missed": missed},
    )


def mutation_score() -> Metric:
    """Share of the mutants that a test noticed; no value while some were not tried."""
    found = _mutations()
    whole = bool(found.get("complete")) and not found.get("untried")
    note = (
        "{killed} killed, {survived} survived, {equivalent} equivalent, {untried} not tried".format(
            **found
        )
        if found
        else "run `gatewayctl mutate` first"
    )
    return Metric(
        "mutation_score",
        found["score"] if whole else None,
        "x",
        bound=1.0,
        target=0.95,
        details={"note": note, "score_so_far": found.get("score")}
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
