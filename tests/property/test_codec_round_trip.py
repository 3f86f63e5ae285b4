"""What the device encodes the host decodes to the same numbers, whatever they are."""

from __future__ import annotations

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telemetry.cell_codec import SIGNED_BIAS, CellEncoder, largest_bytes
from gateway.telemetry.records import SAMPLE_FIELDS
from gateway.telemetry.sections import SetEncoder
from gateway.telemetry.summary_codec import LARGEST_BYTES, STEADY, SummaryEncoder
from host_tools.decode.cell_codec import CellChain
from host_tools.decode.frames import Chain, find_section
from host_tools.decode.summary_codec import SummaryChain

# values as they are, the ends of their range, and any at all; as offsets from 0x8000
VALUES = st.one_of(
    st.integers(-40, 40),
    st.sampled_from((-0x8000, -0x7FFF, -1, 0, 0x7FFE, 0x7FFF)),
    st.integers(-0x8000, 0x7FFF),
)


@st.composite
def frames_of(draw: st.DrawFn) -> list[list[int]]:
    """Frames of one length; some repeat the one before with a few cells changed."""
    count = draw(st.integers(1, 40))
    frames = [draw(st.lists(VALUES, min_size=count, max_size=count))]
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.booleans()):
            frames.append(draw(st.lists(VALUES, min_size=count, max_size=count)))
            continue
        frame = list(frames[-1])
        for _ in range(draw(st.integers(0, 3))):
            frame[draw(st.integers(0, count - 1))] = draw(VALUES)
        frames.append(frame)
    return frames


@settings(max_examples=300)
@given(frames_of(), st.booleans(), st.sets(st.integers(0, 12)))
def test_cells_and_temperatures(frames: list[list[int]], signed: bool, keys: set[int]) -> None:
    count = len(frames[0])
    encoder = CellEncoder(count, SIGNED_BIAS if signed else 0)
    chain = CellChain(signed)
    out = bytearray(encoder.largest)
    for number, frame in enumerate(frames):
        values = [value if signed else value + 0x8000 for value in frame]
        end = encoder.encode(array("h" if signed else "H", values), number in keys, out, 0)
        assert chain.decode(bytes(out), 0, end) == (values, end)


@settings(max_examples=100)
@given(st.integers(1, 60), st.integers(0, 0xFFFE), st.integers(0, 0xFFFE), st.data())
def test_the_largest_jumps_fit(count: int, low: int, high: int, data: st.DataObject) -> None:
    """Cells that leap between two values, with the mean as far away as it gets."""
    encoder = CellEncoder(count)
    chain = CellChain()
    out = bytearray(encoder.largest)
    for _ in range(6):
        leapt = data.draw(st.integers(0, (1 << count) - 1))
        values = [high if leapt >> index & 1 else low for index in range(count)]
        end = encoder.encode(array("H", values), False, out, 0)
        assert end <= largest_bytes(count)
        assert chain.decode(bytes(out), 0, end) == (values, end)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from((-15, -12, 12, 15)), st.integers(0, 4), st.booleans())
def test_a_cell_that_drifts_beyond_what_its_state_holds(
    step_mv: int, noise_mv: int, comes_back: bool
) -> None:
    """By less per frame than an outlier, to 1.5 V from all others, where 16 bits are full."""
    encoder, chain = CellEncoder(4), CellChain()
    out = bytearray(encoder.largest)
    drift = list(range(0, 1500, abs(step_mv)))
    for number, away in enumerate(drift + drift[::-1] * comes_back):
        value = 3300 + (away if step_mv > 0 else -away) + number * 7 % (noise_mv + 1)
        values = [3300, value, 3301, 3300]
        end = encoder.encode(array("H", values), False, out, 0)
        assert chain.decode(bytes(out), 0, end) == (values, end)


NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(0, 0xFFFF), st.integers(-(1 << 31), (1 << 32) - 1)
)
SAMPLES = st.lists(NUMBERS, min_size=len(SAMPLE_FIELDS), max_size=len(SAMPLE_FIELDS))


def named(values: list[int]) -> dict[str, int]:
    """A sample as the host shows it."""
    sample = dict(zip(SAMPLE_FIELDS, values, strict=True))
    return sample | {name: sample[name] & 0xFFFFFFFF for name in STEADY}


@given(st.lists(SAMPLES, min_size=1, max_size=6), st.sets(st.integers(0, 5)))
def test_summaries(samples: list[list[int]], keys: set[int]) -> None:
    encoder = SummaryEncoder()
    out = bytearray(LARGEST_BYTES)
    for number, values in enumerate(samples):
        is_key = number == 0 or number in keys
        if is_key:
            chain = SummaryChain()
        end = encoder.encode(values, is_key, out, 0)
        assert chain.decode(bytes(out), 0, end) == (named(values), end)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), SAMPLES, st.booleans(), st.booleans(), st.booleans()),
        max_size=20,
    )
)
def test_sections_of_several_racks(steps: list[tuple[int, list[int], bool, bool, bool]]) -> None:
    cells, temps = array("H", (3300, 3305, 0xFFFF)), array("h", (-5, 7))
    encoder = SetEncoder(3, len(cells), len(temps))
    chains: dict[int, Chain] = {}
    out = bytearray(encoder.largest)
    for rack, values, with_cells, with_temps, is_key in steps:
        cells[0] = 3300 + (values[0] & 0xFF)
        temps[1] = values[1] & 0xFF
        end = encoder.encode(
            rack,
            values,
            cells if with_cells else None,
            temps if with_temps else None,
            700,
            is_key,
            out,
            0,
        )
        section = find_section(bytes(out), 0)
        assert (section.rack, section.end) == (rack, end)
        assert section.is_key == (is_key or rack not in chains)
        if section.is_key:
            chains[rack] = Chain()
        frame = chains[rack].decode(section, 1, 2, 0)
        assert frame.sample == named(values)
        assert frame.cells == (list(cells) if with_cells else None)
        assert frame.temps == (list(temps) if with_temps else None)
        assert frame.cells_age_ms == (700 if with_cells else None)
