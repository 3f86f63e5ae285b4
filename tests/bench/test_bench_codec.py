"""The cell data is what it says, and a short run of the codec's benchmarks measures it."""

from __future__ import annotations

import numpy as np
import pytest

from host_tools.bench import codec_size, codec_speed
from host_tools.bench.cell_data import (
    CELLS,
    PROFILES,
    TEMPS,
    generate,
    noise_entropy_bytes,
    samples,
)
from host_tools.bench.rounds import QUICK
from host_tools.errors import UserError

REST, LOAD, AGC, MINUTE = PROFILES


def test_the_same_seed_gives_the_same_data() -> None:
    one, two, other = (generate(REST, 0.6, seed) for seed in (1, 1, 2))
    assert (one.cells_mv == two.cells_mv).all() and (one.temps_dc == two.temps_dc).all()
    assert (one.cells_mv != other.cells_mv).any()


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_data_looks_like_a_rack(profile) -> None:
    data = generate(profile, 0.6)
    assert data.cells_mv.shape == (profile.frames, CELLS)
    assert data.temps_dc.shape == (profile.frames, TEMPS)
    assert (data.cells_mv > 2900).all() and (data.cells_mv < 3600).all()
    assert 25 < np.ptp(data.cells_mv[0]) < 90
    assert data.current_da.any() == (profile is not REST)


def test_noise_is_as_asked_for() -> None:
    for noise_mv in (0.6, 1.0):
        cells = generate(REST, noise_mv).cells_mv
        # rounding to 1 mV adds 1/12 to the variance
        assert cells.std(axis=0).mean() == pytest.approx((noise_mv**2 + 1 / 12) ** 0.5, rel=0.03)
    assert noise_entropy_bytes(0.6) == pytest.approx(0.183, abs=0.001)
    assert noise_entropy_bytes(1.0) == pytest.approx(0.263, abs=0.001)


def test_summaries_follow_the_cells() -> None:
    data = generate(LOAD, 0.6)
    first, second = samples(data)[:2]
    assert len(first) == 24
    assert first[10] == data.cells_mv[0].max() and first[12] == data.cells_mv[0].min()
    assert abs(second[4] - first[4] - 500) < 20


def test_a_short_run_meets_every_target() -> None:
    metrics = {metric.name: metric for metric in codec_size.measure(QUICK)}
    missed = [metric.name for metric in metrics.values() if metric.met is False]
    assert missed == []
    worst = metrics["codec_bytes_per_cell_sample"]
    assert worst.value is not None and worst.bound is not None
    assert worst.bound < worst.value < 0.27
    assert sum(name.startswith("codec_bytes_per_cell_") for name in metrics) == 9


def test_a_frame_that_does_not_come_back_is_no_figure() -> None:
    rows = generate(REST, 0.6).cells_mv[:3]

    class Forgetful(codec_size.CellChain):
        """Loses the last value."""

        def decode(self, data, start, end):
            values, at = super().decode(data, start, end)
            return values[:-1], at

    with pytest.raises(UserError, match="frame 0"):
        codec_size._encoded(rows, "H", codec_size.CellEncoder(CELLS), Forgetful())


def test_encoding_is_timed_in_three_ways(need) -> None:
    for tool in ("taskset", "micropython"):
        need(tool)
    time, against_json = codec_speed.measure(QUICK)
    variants = {name: one["median"] for name, one in time.details["variants"].items()}
    assert set(variants) == {"used", "bytecode", "json"}
    assert variants["used"] < variants["bytecode"]
    assert against_json.value == pytest.approx(variants["used"] / variants["json"], rel=0.01)
