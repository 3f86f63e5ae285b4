"""When bytes are where on an RS-485 pair, by a clock that a test moves on by itself."""

from __future__ import annotations

import pytest

from host_tools.simulate.wire_timing import WireTiming, silence_ns

MS = 1_000_000
BAUD, BITS = 9600, 10  # 1.0417 ms for a character, 4.01 ms of silence
CHAR = 1_041_667


def wire() -> WireTiming:
    return WireTiming(BAUD, BITS)


@pytest.mark.parametrize(
    ("baud", "wanted_us"),
    [(9600, 4010), (19200, 2005), (38400, 1750), (115200, 1750)],
)
def test_silence_is_three_and_a_half_characters_up_to_19200(baud: int, wanted_us: int) -> None:
    assert silence_ns(baud) // 1000 == wanted_us


def test_a_request_is_heard_after_its_wire_time_and_its_silence() -> None:
    line = wire()
    line.master_sends(b"12345678", 100 * MS)
    done_ns = 100 * MS + 8 * CHAR + line.silence_ns
    assert line.next_ns() == pytest.approx(done_ns, abs=10)
    assert line.step(line.next_ns() - 1) == (b"", [])
    _, heard = line.step(line.next_ns())
    assert heard == [(b"12345678", pytest.approx(done_ns, abs=10))]
    assert line.next_ns() is None


def test_a_request_in_two_parts_is_one_when_the_pause_is_short() -> None:
    line = wire()
    line.master_sends(b"1234", 0)
    line.master_sends(b"5678", 4 * CHAR + 3 * MS)
    line_end = line.next_ns()
    assert line_end == pytest.approx(8 * CHAR + 3 * MS + line.silence_ns, abs=10)
    assert [frame for frame, _ in line.step(line_end)[1]] == [b"12345678"]


def test_a_pause_of_t35_ends_a_frame() -> None:
    line = wire()
    line.master_sends(b"1234", 0)
    later_ns = 4 * CHAR + line.silence_ns + 1000
    assert [frame for frame, _ in line.step(later_ns)[1]] == [b"1234"]
    line.master_sends(b"5678", later_ns)
    assert [frame for frame, _ in line.step(line.next_ns())[1]] == [b"5678"]


def test_an_answer_comes_byte_by_byte_at_9600() -> None:
    line = wire()
    assert line.slave_sends(b"abc", 10 * MS) == pytest.approx(10 * MS + 3 * CHAR, abs=2)
    seen = []
    while (next_ns := line.next_ns()) is not None:
        assert line.step(next_ns - 1) == (b"", [])
        seen.append((line.step(next_ns)[0], next_ns))
    assert [data for data, _ in seen] == [b"a", b"b", b"c"]
    for number, (_, at_ns) in enumerate(seen, start=1):
        assert at_ns == pytest.approx(10 * MS + number * CHAR, abs=2)


def test_fast_lines_hand_bytes_on_about_every_millisecond() -> None:
    line = WireTiming(115200, 10)
    line.slave_sends(bytes(255), 0)
    sizes, times = [], []
    while (next_ns := line.next_ns()) is not None:
        times.append(next_ns)
        sizes.append(len(line.step(next_ns)[0]))
    assert sum(sizes) == 255
    assert max(sizes) <= 16
    assert times[-1] == pytest.approx(255 * 10 * 1e9 / 115200, rel=1e-6)
    steps = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert max(steps) <= 1.01 * MS


def test_both_at_a_time_spoil_each_other_and_count_once() -> None:
    line = wire()
    line.slave_sends(b"abcd", 0)
    assert line.step(CHAR + 10)[0] == b"a"
    line.master_sends(b"12", CHAR + 10)
    received, heard = b"", []
    while (next_ns := line.next_ns()) is not None:
        more, found = line.step(next_ns)
        received, heard = received + more, heard + found
    assert received == bytes(byte ^ 0xFF for byte in b"bcd")
    assert [frame for frame, _ in heard] == [bytes(byte ^ 0xFF for byte in b"12")]
    assert line.collisions == 1


def test_a_slave_that_talks_into_a_request_collides_too() -> None:
    line = wire()
    line.master_sends(b"12345678", 0)
    line.slave_sends(b"x", 2 * CHAR)
    assert line.collisions == 1
    assert line.step(4 * CHAR)[0] == bytes([ord("x") ^ 0xFF])


def test_two_slaves_at_a_time_spoil_each_other_but_no_request() -> None:
    line = wire()
    line.slave_sends(b"ab", 0)
    line.slave_sends(b"cd", CHAR)
    assert sorted(line.step(10 * CHAR)[0]) == sorted(byte ^ 0xFF for byte in b"abcd")
    line.master_sends(b"12", 30 * MS)
    assert [frame for frame, _ in line.step(line.next_ns())[1]] == [b"12"]
    assert line.collisions == 1


@pytest.mark.parametrize(("after_us", "short"), [(3900, 1), (4020, 0)])
def test_a_request_too_soon_after_an_answer_is_counted(after_us: int, short: int) -> None:
    line = wire()
    end_ns = line.slave_sends(b"ab", 0)
    line.step(end_ns)
    line.master_sends(b"1", end_ns + after_us * 1000)
    assert line.short_silences == short
    assert line.collisions == 0


def test_time_on_the_wire_is_summed_up() -> None:
    line = wire()
    line.master_sends(b"12345678", 0)
    line.slave_sends(b"abcd", 50 * MS)
    assert line.busy_ns == pytest.approx(12 * CHAR, abs=20)
