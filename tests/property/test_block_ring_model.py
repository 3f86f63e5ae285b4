"""The ring of blocks against a list: what is there is what was put, and always the newest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.telemetry.block_ring import BlockRing

CAPACITY, LARGEST, BLOCK, BLOCK_MS = 300, 90, 80, 1000

frames = st.tuples(
    st.integers(1, LARGEST),  # bytes
    st.integers(0, 1500),  # ms since the last frame
    st.booleans(),  # sealed before
)


@settings(max_examples=400, deadline=None)
@given(st.lists(frames, max_size=60), st.integers(0, 1 << 33))
def test_blocks_hold_what_was_put(steps: list[tuple[int, int, bool]], uptime_ms: int) -> None:
    ring = BlockRing(CAPACITY, LARGEST, BLOCK, BLOCK_MS)
    blocks: list[tuple[int, bytearray]] = []
    for number, (length, elapsed_ms, sealed) in enumerate(steps):
        uptime_ms += elapsed_ms
        if sealed:
            ring.seal()
        frame = bytearray([number % 256]) * length
        if not ring.fits(length, uptime_ms):
            ring.begin(length, uptime_ms)
            blocks.append((uptime_ms % (1 << 32), bytearray()))
        assert ring.offset_ms(uptime_ms) == (uptime_ms - blocks[-1][0]) % (1 << 32)
        ring.put(frame, length)
        blocks[-1][1].extend(frame)
        assert ring.next == len(blocks)
        assert 0 <= ring.first < ring.next
        for each in range(ring.first, ring.next):
            assert (ring.began_ms(each), bytes(ring.read(each))) == (
                blocks[each][0],
                bytes(blocks[each][1]),
            )
        kept = sum(ring.length(each) for each in range(ring.first, ring.next))
        assert kept <= CAPACITY
        # At most a block, and the end that was left empty, are given up beyond the need.
        if ring.first:
            assert kept + len(blocks[ring.first - 1][1]) + BLOCK // 2 + 2 * LARGEST > CAPACITY
        longest = max(len(content) for _, content in blocks)
        assert longest <= ring.longest
    for gone in range(ring.first):
        assert ring.length(gone) == 0
