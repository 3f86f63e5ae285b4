"""Figures: ratios, targets, rounds, and the file that keeps the other groups'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_tools.bench.results import Metric, merge
from host_tools.bench.rounds import Series, interleaved, percentile, ratio
from host_tools.bench.wire_time import read_us, silence_us
from host_tools.errors import UserError

MACHINE = {"id": "now"}


def entries(path: Path) -> dict[str, dict[str, object]]:
    found = json.loads(path.read_text())
    assert found.keys() == {"metrics", "machine"}
    return found["metrics"]


def test_merging_keeps_the_figures_of_other_groups(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "bench.json"
    merge([Metric("a", 1.0, "x"), Metric("b", 2.0, "ms")], MACHINE, path)
    merge([Metric("b", 3.0, "ms", baseline=6.0, bound=2.5)], {"id": "later"}, path)
    metrics = entries(path)
    nothing = {"baseline": None, "ratio": None, "bound": None}
    assert metrics["a"] == {"value": 1.0, "unit": "x", "machine": "now"} | nothing
    assert metrics["b"]["value"] == 3.0
    assert metrics["b"]["ratio"] == 0.5
    assert metrics["b"]["machine"] == "later"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"metrics": 3}', "\x00"])
def test_a_damaged_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"bench\.json: .*delete it"):
        merge([Metric("a", 1.0, "x")], MACHINE, path)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("value", "target", "at_most", "met"),
    [
        (1.2, 1.15, False, True),
        (1.1, 1.15, False, False),
        (5.9, 6.0, True, True),
        (6.1, 6.0, True, False),
        (None, 6.0, True, False),
        (1.0, None, False, None),
    ],
)
def test_a_target_is_met_or_missed(
    value: float | None, target: float | None, at_most: bool, met: bool | None
) -> None:
    metric = Metric("a", value, "x", target=target, at_most=at_most)
    assert metric.met is met
    assert metric.as_json().get("met") is met


def test_no_baseline_means_no_ratio() -> None:
    assert Metric("a", 1.0, "x").ratio is None
    assert Metric("a", None, "x", baseline=2.0).ratio is None
    assert Metric("a", 0.0, "B", baseline=1504).ratio == 0


def test_rounds_are_interleaved_and_rotated() -> None:
    order: list[str] = []

    def candidate(name: str, value: float):
        def run() -> float:
            order.append(name)
            return value * len(order)

        return run

    series = interleaved({name: candidate(name, 1.0) for name in "abc"}, 3)
    assert "".join(order) == "abcbcacab"
    assert series["a"].samples == (1.0, 6.0, 8.0)
    assert series["a"].as_json() == {"median": 6.0, "min": 1.0, "max": 8.0, "rounds": 3}


def test_ratios_compare_medians() -> None:
    assert ratio(Series((1.0, 30.0, 3.0)), Series((2.0, 2.0, 0.1))) == 1.5


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile([7.0], 99) == 7
    assert percentile([1.0, 2.0], 99) == 2


def test_wire_time_of_a_summary_as_the_specification_counts() -> None:
    assert silence_us(115200) == 1750
    assert silence_us(9600) == pytest.approx(4010, abs=1)
    # 21 registers at 115200 baud, 15 ms latency
    assert read_us(21, 115200, 15000) == pytest.approx(23300, abs=100)
    assert read_us(21, 9600, 15000) == pytest.approx(80300, abs=100)
