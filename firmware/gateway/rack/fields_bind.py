"""From a generated table to blocks with everything that their decoding needs; runs once at start.

Rows of a table, all numbers (names of the fields are in brackets where they are wanted by people):

RUNS     (poll, group, function, address, count, atom): registers to read; see `blocks.plan`.
         group & 1: fixed, does not move with the rack's position; group >> 1: optional, which one
BARRIERS (function, first, end)
VALUES   (poll, target, function, address, kind, numerator, denominator, addend, extra); target
         is a summary slot, or an index into the names of details or thresholds
ARRAYS   (poll, 0 cells or 1 temperatures, function, address, kind, numerator, denominator, addend,
         extra, step, per, module_step, join, first, every, zero_absent): `per` elements `step`
         registers apart, then the same again `module_step` further on (per 0: no end); they are
         elements first, first + every ...; join: registers between them may be read over
ALARMS   (function, address, address of the upper word or -1, raw values "not available", ops);
         op: (1 upper word 0 lower, inverted bits, used bits, shift, summary slot)
"""

from __future__ import annotations

from micropython import const

from gateway.errors import ConfigError
from gateway.rack.blocks import plan
from gateway.rack.fields import (
    BIT,
    F32,
    S16,
    S32,
    TEXT,
    U16,
    U32,
    U64,
    UNSCALED,
    X_ABSENT,
    X_BITS,
    X_CLAMP,
    X_ENUM,
    X_EXPECT,
    X_HIGH_WORD,
    X_INDEX,
    X_LENGTH,
    X_RANGE,
    X_SCALE,
    X_SCALE_DETAIL,
    Special,
)
from gateway.rack.fields_array import Piece
from gateway.rack.fields_wide import Wide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.rack.fields import Field, Scale

SUMMARY, CELLS, TEMPS, DETAILS, ONCE, REQUEST = range(6)  # when a block is read
_REGISTERS = (3, 4)
_MOST_BITS = const(2000)  # in one answer of functions 1 and 2


class Block:
    """One read, and what its registers mean."""

    def __init__(
        self, poll: int, order: int, group: int, function: int, address: int, count: int
    ) -> None:
        self.poll = poll
        self.order = order  # among the blocks of the same poll class
        self.function = function
        self.address = address
        self.count = count
        self._group = group
        self.fields: tuple[Field, ...] = ()
        self.alarms: tuple[Any, ...] = ()
        self.pieces: tuple[Piece, ...] = ()
        self.texts: tuple[Any, ...] = ()  # (target, byte positions of the words)
        self.ranges: tuple[Any, ...] = ()  # (target, lowest, highest) plausible
        self.expected: tuple[Any, ...] = ()  # (target, lowest, highest, ...)

    @property
    def fixed(self) -> bool:
        """Its address does not move with the position of the rack."""
        return self._group & 1 == 1

    @property
    def optional(self) -> bool:
        """A BMS may lack it; then a refusal is no fault."""
        return self._group > 1

    def holds(self, function: int, address: int, count: int) -> bool:
        """Whether these registers are in the block, wholly."""
        first = self.address
        return self.function == function and first <= address <= first + self.count - count


def bind(table: Any, poll: int, sizes: tuple[int, int], hole_registers: int) -> tuple[Block, ...]:
    """The blocks of one poll class for a rack of `sizes` = (cells, temperatures), longest first.

    ConfigError when the table contradicts itself.
    """
    arrays = [row for row in table.ARRAYS if row[0] == poll and sizes[row[1]]]
    spans = [row[1:] for row in table.RUNS if row[0] == poll]
    barriers = list(table.BARRIERS)
    for row in arrays:
        _array_spans(row, sizes[row[1]], spans, barriers)
    reads = []
    for group, function in sorted(set([span[:2] for span in spans])):
        runs = _merged([span[2:] for span in spans if span[:2] == (group, function)])
        # Registers that only some devices have are read alone, so no barrier concerns them.
        barred = [each[1:] for each in barriers if each[0] == function and group <= 1]
        is_bits = function not in _REGISTERS
        longest = _MOST_BITS if is_bits else table.MAX_BLOCK
        try:
            planned = plan(runs, barred, 0 if group > 1 else hole_registers, longest)
        except ValueError as error:
            raise ConfigError("register map: %s" % error)
        reads += [(-count, group, function, address) for address, count in planned]
    # The longest first: a device is probed with a part of the first block.
    blocks = [
        Block(poll, order, group, function, address, -count)
        for order, (count, group, function, address) in enumerate(sorted(reads))
    ]
    for block in blocks:
        _bind_block(block, table, arrays, sizes)
    return tuple(blocks)


def _merged(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Each start once: several arrays may lie in the same registers."""
    longest: dict[tuple[int, int], int] = {}
    for address, count, atom in runs:
        key = (address, atom)
        longest[key] = max(count, longest.get(key, 0))
    return sorted([(address, count, atom) for (address, atom), count in longest.items()])


def words_of(kind: int, extra: Any) -> int:
    """Registers of one value."""
    if kind == TEXT:
        return int(dict(extra)[X_LENGTH][0])
    return {U32: 2, S32: 2, F32: 2, U64: 4}.get(kind, 1)


def array_count(row: Any, size: int) -> int:
    """Elements of the array `row` in a rack with `size` of them."""
    first, every = row[13], row[14]
    return max(0, int(-(-(size - first) // every)))


def _runs_of_elements(row: Any, size: int) -> list[tuple[int, int, int]]:
    """(first element, its address, count) of each module."""
    address, per, module_step = row[3], row[10], row[11]
    count = array_count(row, size)
    per = per or count
    return [
        (begin, address + begin // per * module_step, min(per, count - begin))
        for begin in range(0, count, max(1, per))
    ]


def _array_spans(row: Any, size: int, spans: list[Any], barriers: list[Any]) -> None:
    function, kind, extra, step, join = row[2], row[4], row[8], row[9], row[12]
    words = _array_words(kind, extra)
    end_before = -1
    for _, address, count in _runs_of_elements(row, size):
        if address + (count - 1) * step + words > 0x10000:
            raise ConfigError("register map: arrays beyond address 0xFFFF")
        if step == words:
            pieces = [(address, count * words)]
        else:
            pieces = [(address + index * step, words) for index in range(count)]
        for first, length in pieces:
            spans.append((0, function, first, length, words))
            if not join and 0 <= end_before < first:
                barriers.append((function, first, first))
            end_before = first + length


def _array_words(kind: int, extra: Any) -> int:
    return 2 if X_HIGH_WORD in dict(extra) else words_of(kind, extra)


def _bind_block(block: Block, table: Any, arrays: list[Any], sizes: tuple[int, int]) -> None:
    flip = table.LOW_BYTE_FIRST
    fields = []
    texts = []
    ranges = []
    expected = []
    for poll, target, function, address, kind, num, den, add, extra in table.VALUES:
        if poll != block.poll or not block.holds(function, address, 1):
            continue
        options = dict(extra)
        if kind == TEXT:
            words = range(address, address + options[X_LENGTH][0])
            texts.append((target, tuple([_bytes(block, each, flip) for each in words])))
        else:
            fields.append(_field(block, target, address, kind, (num, den, add), options, flip))
        if X_RANGE in options:
            ranges.append((target,) + options[X_RANGE])
        if X_EXPECT in options:
            expected.append((target,) + options[X_EXPECT])
    block.fields = tuple(fields)
    block.texts = tuple(texts)
    block.ranges = tuple(ranges)
    block.expected = tuple(expected)
    if block.poll == SUMMARY:
        block.alarms = tuple(
            [_alarm(block, row, flip) for row in table.ALARMS if block.holds(row[0], row[1], 1)]
        )
    block.pieces = tuple(
        [piece for row in arrays for piece in _pieces(block, row, sizes[row[1]], flip)]
    )


def _bytes(block: Block, address: int, flip: int) -> tuple[int, int]:
    """Positions of a register's high and low byte, or twice that of a coil's byte."""
    offset = address - block.address
    if block.function not in _REGISTERS:
        return offset >> 3, offset >> 3
    return 2 * offset + flip, 2 * offset + 1 - flip


def _field(
    block: Block,
    target: int,
    address: int,
    kind: int,
    scale: tuple[int, int, int],
    options: dict[int, tuple[int, ...]],
    flip: int,
) -> Field:
    high_at, low_at = _bytes(block, address, flip)
    wanted: Scale | None = None if scale == UNSCALED else scale
    special: Special | None = None
    if kind in (U64, F32):
        special = _wide(block, address, kind, scale, options, flip)
        wanted = (1, 1, scale[2])
    elif kind not in (U16, S16) or set(options) - {X_RANGE, X_EXPECT}:
        special = _special(block, address, kind, options, flip)
    if special is not None:
        special.absent = options.get(X_ABSENT, ())
    signed = int(kind == S16)
    return target, high_at, low_at, signed, wanted, special


def _wide(
    block: Block,
    address: int,
    kind: int,
    scale: tuple[int, int, int],
    options: dict[int, tuple[int, ...]],
    flip: int,
) -> Wide:
    """`address` is that of the lowest word, X_HIGH_WORD that of the highest."""
    highest = options[X_HIGH_WORD][0]
    step = 1 if highest < address else -1
    words = range(highest, address + step, step)
    at = tuple([_bytes(block, each, flip) for each in words])
    return Wide(kind, at, scale[0], scale[1])


def _special(
    block: Block, address: int, kind: int, options: dict[int, tuple[int, ...]], flip: int
) -> Special:
    special = Special(kind)
    if kind == BIT:
        special.shift = (address - block.address) & 7
    if X_HIGH_WORD in options:
        special.high_at, special.high_low_at = _bytes(block, options[X_HIGH_WORD][0], flip)
    if X_BITS in options:
        special.shift, width, signed = options[X_BITS]
        special.mask = (1 << width) - 1
        special.sign = 1 << (width - 1) if signed else 0
    if X_SCALE in options:
        special.scale_at, special.scale_low_at = _bytes(block, options[X_SCALE][0], flip)
    if X_SCALE_DETAIL in options:
        special.scale_detail = options[X_SCALE_DETAIL][0]
    if X_CLAMP in options:
        special.clamped = True
        special.lowest, special.highest = options[X_CLAMP]
    special.choices = options.get(X_ENUM, ())
    if X_INDEX in options:
        shift, width, base, size = options[X_INDEX]
        special.upper = (shift, (1 << width) - 1, base, size)
    return special


def _alarm(block: Block, row: Any, flip: int) -> tuple[Any, ...]:
    """(bytes of the lower word, bit of a coil or -1, bytes of the upper word, absent, ops)."""
    function, address, upper, absent, ops = row
    high_at, low_at = _bytes(block, address, flip)
    bit = -1 if function in _REGISTERS else (address - block.address) & 7
    upper_high_at, upper_low_at = _bytes(block, upper, flip) if upper >= 0 else (-1, 0)
    return high_at, low_at, bit, upper_high_at, upper_low_at, absent, ops


def _pieces(block: Block, row: Any, size: int, flip: int) -> list[Piece]:
    _, target, function, _, kind, num, den, add, extra, step = row[:10]
    first_element, every, zero_absent = row[13:16]
    options = dict(extra)
    words = _array_words(kind, extra)
    low_word = int(words == 2 and options[X_HIGH_WORD][0] == 0)  # registers from the first one
    high_word = 1 - low_word
    if X_BITS in options and options[X_BITS][0] >= 16:
        shift, width, is_signed = options[X_BITS]
        options[X_BITS] = (shift - 16, width, is_signed)
        del options[X_HIGH_WORD]
        low_word = high_word
    pieces = []
    for begin, address, count in _runs_of_elements(row, size):
        skipped = max(0, -(-(block.address - address) // step))
        stop = min(count, (block.address + block.count - words - address) // step + 1)
        if block.function != function or skipped >= stop:
            continue
        at = address + skipped * step
        if X_HIGH_WORD in options:
            options[X_HIGH_WORD] = (at + high_word,)
        field = _field(block, target, at + low_word, kind, (num, den, add), options, flip)
        piece = Piece(
            target,
            2 * (at - block.address),
            2 * step,
            first_element + (begin + skipped) * every,
            every,
            stop - skipped,
            field,
        )
        piece.zero_absent = bool(zero_absent)
        if X_HIGH_WORD in options:
            piece.words = words
        else:
            piece.word = low_word
        pieces.append(piece)
    return pieces
