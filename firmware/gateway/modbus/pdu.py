"""Modbus requests, aimed again and again, and the check of an answer, both without allocation.

Sizes and codes: Modbus application protocol 1.1b3, messaging on TCP/IP 1.0b, serial line 1.02.
PDUs of functions 3, 4, 5, 6 and 16 come from `umodbus.functions`. That library cuts numbers to
16 bits silently on MicroPython, so ranges are checked here; it mirrors the bits of coils within
each byte, so functions 1, 2 and 15 are built here.
"""

from __future__ import annotations

from micropython import const
from umodbus import functions

from gateway.modbus.crc16 import crc16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.modbus.reply_time import ReplyTime

# Framings.
TCP = 0
RTU = 1

READ_LIMIT = 125  # registers in one answer
WRITE_LIMIT = 123  # registers in one request
READ_BITS_LIMIT = 2000
WRITE_BITS_LIMIT = 1968
FRAME_BYTES = 260  # longest frame of either framing

# Results of `Request.check`.
GOOD = 0
EXCEPTION = 1  # the device refused; the code is at `data_at - 1` of the answer
MALFORMED = 2  # not an answer to this request

READ_COILS = 1
READ_DISCRETE_INPUTS = 2
READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
WRITE_SINGLE_COIL = 5
WRITE_SINGLE_REGISTER = 6
WRITE_MULTIPLE_COILS = 15
WRITE_MULTIPLE_REGISTERS = 16

_EXCEPTION_BIT = const(0x80)
_BITS = (READ_COILS, READ_DISCRETE_INPUTS)
_SINGLE = (WRITE_SINGLE_COIL, WRITE_SINGLE_REGISTER)
_ECHO_BYTES = const(5)  # function, address, value or quantity: how any write is answered
_DATA_AT = (9, 3)  # by framing: MBAP or unit, then function and byte count
_CRC_BYTES = (0, 2)
_LENGTH_AT = const(5)  # the lower byte of the length in an MBAP header
_UNIT_AND_CODE = const(3)  # bytes that it counts besides the data: unit, function, byte count
_HIGHEST_UNIT = const(247)
_NO_UNIT = const(255)  # Modbus TCP: the server itself, not a unit behind it


class Request:
    """One request as a whole frame, sent again and again, also with other numbers in it.

    `frame`: the bytes to send. `head`: how a good answer begins, up to its data; for a write, the
    echo. `expected`: bytes of a good answer. `data_at`: where its data begins. `reply_time`: how
    fast the unit answers, shared by all its requests.
    """

    def __init__(
        self,
        framing: int,
        unit: int,
        pdu: bytes,
        answer: bytes,
        data_bytes: int,
        reply_time: ReplyTime,
    ) -> None:
        """`answer`: the PDU of a good answer without its `data_bytes` of data."""
        _check_unit(framing, unit, pdu[0])
        self.framing = framing
        self.unit = unit
        self.function = pdu[0]
        self.data_at = _DATA_AT[framing]
        self.reply_time = reply_time
        self.frame = _framed(framing, unit, pdu, 0)
        self.head = _framed(framing, unit, answer, data_bytes)
        self.expected = len(self.head) + data_bytes + _CRC_BYTES[framing]
        if framing == RTU:
            self.frame.extend(b"\0\0")
            self._seal()

    @property
    def label(self) -> str:
        """What is asked, for people."""
        at = self.data_at - 1
        address, count = _word(self.frame, at), _word(self.frame, at + 2)
        return _label(self.function, address, 1 if self.function in _SINGLE else count)

    def aim(self, unit: int, address: int, count: int, reply_time: ReplyTime) -> None:
        """Let a read ask for something else; allocates nothing. ValueError as `read_request`."""
        size = _read_bytes(self.function, address, count)
        self._move(unit, address, reply_time)
        at = self.data_at - 1
        frame, head = self.frame, self.head
        frame[at + 2] = count >> 8
        frame[at + 3] = count & 0xFF
        head[at] = size
        if self.framing == RTU:
            self._seal()
        else:
            head[_LENGTH_AT] = _UNIT_AND_CODE + size
        self.expected = len(head) + size + _CRC_BYTES[self.framing]

    def aim_write(self, unit: int, address: int, reply_time: ReplyTime) -> None:
        """Let a write go elsewhere with the values it has; allocates nothing.

        ValueError as the function that made it.
        """
        at = self.data_at - 1
        head = self.head
        if len(head) != at + 4:  # a read
            raise ValueError
        count = 1 if self.function in _SINGLE else _word(head, at + 2)
        if not 0 <= address <= 0x10000 - count:
            raise ValueError
        self._move(unit, address, reply_time)
        head[at] = address >> 8
        head[at + 1] = address & 0xFF
        if self.framing == RTU:
            self._seal()

    def _move(self, unit: int, address: int, reply_time: ReplyTime) -> None:
        if unit != self.unit:
            _check_unit(self.framing, unit, self.function)
        at = self.data_at - 1
        frame = self.frame
        self.unit = frame[at - 2] = self.head[at - 2] = unit
        frame[at] = address >> 8
        frame[at + 1] = address & 0xFF
        self.reply_time = reply_time

    def set_transaction(self, number: int) -> None:
        """Put a 16-bit id into a TCP frame and the head of its answer; allocates nothing."""
        self.frame[0] = self.head[0] = number >> 8
        self.frame[1] = self.head[1] = number & 0xFF

    def set_value(self, index: int, value: int) -> None:
        """Put another value (0..65535) into register `index` of a write; allocates nothing."""
        single = self.function == WRITE_SINGLE_REGISTER
        at = self.data_at + (1 if single else 4) + 2 * index
        if not single and self.function != WRITE_MULTIPLE_REGISTERS:
            raise ValueError
        end = len(self.frame) - _CRC_BYTES[self.framing]
        if not 0 <= value <= 0xFFFF or index < 0 or at + 2 > end:
            raise ValueError
        self.frame[at] = value >> 8
        self.frame[at + 1] = value & 0xFF
        if single:
            self.head[at] = value >> 8
            self.head[at + 1] = value & 0xFF
        if self.framing == RTU:
            self._seal()

    def check(self, buffer: bytearray, length: int) -> int:
        """Judge the answer of `length` bytes at the start of `buffer`; allocates nothing.

        Unit, function, byte count, every byte of an echo and, on RTU, the CRC must fit. The MBAP
        header of a TCP answer is the link's business and not looked at here.
        """
        code_at = self.data_at - 1
        if length == self.expected:
            head = self.head
            for index in range(code_at - 2, len(head)):
                if buffer[index] != head[index]:
                    return MALFORMED
            verdict = GOOD
        elif (
            length == code_at + 1 + _CRC_BYTES[self.framing]
            and buffer[code_at - 2] == self.unit
            and buffer[code_at - 1] == self.function | _EXCEPTION_BIT
        ):
            verdict = EXCEPTION
        else:
            return MALFORMED
        if self.framing == RTU:
            crc = buffer[length - 2] | buffer[length - 1] << 8
            if crc16(buffer, 0, length - 2) != crc:
                return MALFORMED
        return verdict

    def misfit(self, buffer: bytearray, length: int) -> str:
        """Why `check` says MALFORMED, for people."""
        for what, at, wanted in (
            ("unit", self.data_at - 3, self.unit),
            ("function", self.data_at - 2, self.function),
        ):
            if buffer[at] != wanted:
                return "%s: answer of %s %d" % (self.label, what, buffer[at])
        if length != self.expected:
            return "%s: answer of %d bytes instead of %d" % (self.label, length, self.expected)
        for index in range(self.data_at - 1, len(self.head)):
            if buffer[index] != self.head[index]:
                what = "byte count" if len(self.head) == self.data_at else "echo"
                return "%s: wrong %s in the answer" % (self.label, what)
        return "%s: wrong checksum in the answer" % self.label

    def _seal(self) -> None:
        end = len(self.frame) - 2
        crc = crc16(self.frame, 0, end)
        self.frame[end] = crc & 0xFF
        self.frame[end + 1] = crc >> 8


def _check_unit(framing: int, unit: int, function: int) -> None:
    # on a line 0 means all units: none answers, so nothing can be read
    lowest = 1 if framing == RTU and function <= READ_INPUT_REGISTERS else 0
    if not lowest <= unit <= _HIGHEST_UNIT and not (framing == TCP and unit == _NO_UNIT):
        raise ValueError("unit id %d outside %d..%d" % (unit, lowest, _HIGHEST_UNIT))


def _framed(framing: int, unit: int, pdu: bytes, more: int) -> bytearray:
    """A frame up to the end of `pdu`, its length field counting `more` bytes behind."""
    if framing == RTU:
        return bytearray([unit]) + pdu
    length = 1 + len(pdu) + more
    return bytearray([0, 0, 0, 0, length >> 8, length & 0xFF, unit]) + pdu


def read_request(
    framing: int, unit: int, function: int, address: int, count: int, reply_time: ReplyTime
) -> Request:
    """Functions 1 and 2 for 1..2000 bits, 3 and 4 for 1..125 registers; else ValueError."""
    size = _read_bytes(function, address, count)
    if function == READ_HOLDING_REGISTERS:
        pdu = functions.read_holding_registers(address, count)
    elif function == READ_INPUT_REGISTERS:
        pdu = functions.read_input_registers(address, count)
    else:
        pdu = bytes([function]) + _pair(address, count)
    return Request(framing, unit, pdu, bytes([function, size]), size, reply_time)


def _read_bytes(function: int, address: int, count: int) -> int:
    """Bytes of data in the answer to a read; ValueError for one the protocol cannot carry."""
    bits = function in _BITS
    limit = READ_BITS_LIMIT if bits else READ_LIMIT
    within = 1 <= count <= limit and 0 <= address <= 0x10000 - count
    if not within or not READ_COILS <= function <= READ_INPUT_REGISTERS:
        raise ValueError("cannot " + _label(function, address, count))
    return (count + 7) // 8 if bits else 2 * count


def write_register(
    framing: int, unit: int, address: int, value: int, reply_time: ReplyTime
) -> Request:
    """Function 6 for one holding register, value 0..65535."""
    _check_write(WRITE_SINGLE_REGISTER, address, (value,), 1, 0xFFFF)
    pdu = functions.write_single_register(address, value, False)
    return _write(framing, unit, pdu, reply_time)


def write_registers(
    framing: int, unit: int, address: int, values: Sequence[int], reply_time: ReplyTime
) -> Request:
    """Function 16 for 1..123 holding registers, values 0..65535."""
    _check_write(WRITE_MULTIPLE_REGISTERS, address, values, WRITE_LIMIT, 0xFFFF)
    pdu = functions.write_multiple_registers(address, values, False)
    return _write(framing, unit, pdu, reply_time)


def write_coil(framing: int, unit: int, address: int, on: bool, reply_time: ReplyTime) -> Request:
    """Function 5 for one coil."""
    _check_write(WRITE_SINGLE_COIL, address, (int(on),), 1, 1)
    pdu = functions.write_single_coil(address, 0xFF00 if on else 0)
    return _write(framing, unit, pdu, reply_time)


def write_coils(
    framing: int, unit: int, address: int, values: Sequence[int], reply_time: ReplyTime
) -> Request:
    """Function 15 for 1..1968 coils, each 0 or 1; bit 0 of the first byte is the lowest."""
    _check_write(WRITE_MULTIPLE_COILS, address, values, WRITE_BITS_LIMIT, 1)
    packed = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        packed[index >> 3] |= value << (index & 7)
    head = bytes([WRITE_MULTIPLE_COILS]) + _pair(address, len(values))
    return _write(framing, unit, head + bytes([len(packed)]) + packed, reply_time)


def _write(framing: int, unit: int, pdu: bytes, reply_time: ReplyTime) -> Request:
    return Request(framing, unit, pdu, pdu[:_ECHO_BYTES], 0, reply_time)


def _check_write(
    function: int, address: int, values: Sequence[int], limit: int, highest: int
) -> None:
    """ValueError for a write that the protocol cannot carry."""
    label = _label(function, address, len(values))
    if not 1 <= len(values) <= limit or not 0 <= address <= 0x10000 - len(values):
        raise ValueError("cannot " + label)
    for value in values:
        if not 0 <= value <= highest:
            raise ValueError("cannot %s: %d outside 0..%d" % (label, value, highest))


def _label(function: int, address: int, count: int) -> str:
    what = "read" if function <= READ_INPUT_REGISTERS else "write"
    return "%s %d:0x%04X+%d" % (what, function, address, count)


def _word(buffer: bytearray, at: int) -> int:
    return buffer[at] << 8 | buffer[at + 1]


def _pair(first: int, second: int) -> bytes:
    return bytes([first >> 8, first & 0xFF, second >> 8, second & 0xFF])
