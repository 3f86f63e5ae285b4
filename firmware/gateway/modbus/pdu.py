"""Modbus requests built once at start, and the check of an answer without allocation.

The request PDUs come from `umodbus.functions`. That library cuts numbers to 16 bits silently on
MicroPython, so ranges are checked here. Sizes and codes: Modbus application protocol 1.1b3 and
Modbus messaging on TCP/IP 1.0b.
"""

from __future__ import annotations

from umodbus import functions

READ_LIMIT = 125  # registers in one answer
MBAP_BYTES = 7
EXCEPTION_BYTES = 9
DATA_OFFSET = 9  # of the registers in a good answer to a read
FRAME_BYTES = 260

# Results of `Request.check`.
GOOD = 0
EXCEPTION = 1  # the device refused; the code is in byte 8 of the answer
MALFORMED = 2  # not an answer to this request

_READ = 3
_EXCEPTION_BIT = 0x80


class Request:
    """One request as a whole Modbus TCP frame, sent again and again with new transaction ids.

    `expected` is the number of bytes of a good answer; its registers start at byte 9.
    """

    def __init__(self, unit: int, pdu: bytes, expected: int, label: str) -> None:
        if not 0 <= unit <= 247:
            raise ValueError("unit id %d outside 0..247" % unit)
        self.frame = bytearray(MBAP_BYTES) + bytearray(pdu)
        self.frame[5] = len(pdu) + 1
        self.frame[6] = unit
        self.expected = expected
        self.label = label

    def set_transaction(self, number: int) -> None:
        """Put a 16-bit transaction id into the frame; allocates nothing."""
        self.frame[0] = (number >> 8) & 0xFF
        self.frame[1] = number & 0xFF

    def set_value(self, value: int) -> None:
        """Put another value (0..65535) into a write request; allocates nothing."""
        if not 0 <= value <= 0xFFFF:
            raise ValueError
        self.frame[10] = value >> 8
        self.frame[11] = value & 0xFF

    def check(self, buffer: bytearray, start: int, length: int) -> int:
        """Judge the answer of `length` bytes at `start`; allocates nothing.

        The transaction id is the link's business and not looked at here.
        """
        frame = self.frame
        if buffer[start + 6] != frame[6]:
            return MALFORMED
        function = buffer[start + 7]
        if function == frame[7] | _EXCEPTION_BIT:
            return EXCEPTION if length == EXCEPTION_BYTES else MALFORMED
        if function != frame[7] or length != self.expected:
            return MALFORMED
        if function == _READ:
            good = buffer[start + 8] == self.expected - EXCEPTION_BYTES
        else:
            good = True
            for index in range(8, 12):  # a write is answered by its echo
                if buffer[start + index] != frame[index]:
                    good = False
        return GOOD if good else MALFORMED


def read_request(unit: int, address: int, count: int) -> Request:
    """Function 3 for `count` (1..125) holding registers; ValueError outside the address space."""
    if not 1 <= count <= READ_LIMIT or not 0 <= address <= 0x10000 - count:
        raise ValueError("cannot read %d registers at 0x%04X" % (count, address))
    pdu = functions.read_holding_registers(address, count)
    return Request(unit, pdu, EXCEPTION_BYTES + 2 * count, "read 0x%04X+%d" % (address, count))


def write_request(unit: int, address: int, value: int) -> Request:
    """Function 6 for one holding register, value 0..65535."""
    if not 0 <= address <= 0xFFFF or not 0 <= value <= 0xFFFF:
        raise ValueError("cannot write %d to 0x%04X" % (value, address))
    pdu = functions.write_single_register(address, value, False)
    return Request(unit, pdu, MBAP_BYTES + 5, "write 0x%04X" % address)
