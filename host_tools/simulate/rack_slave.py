"""One rack, or several of one unit, as a Modbus slave: request PDU in, answer PDU out."""

from __future__ import annotations

import logging

from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsResponse,
    ReadDiscreteInputsResponse,
    WriteMultipleCoilsResponse,
    WriteSingleCoilResponse,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersResponse,
    ReadInputRegistersResponse,
    WriteMultipleRegistersResponse,
    WriteSingleRegisterResponse,
)

from host_tools.simulate import registers as meaning
from host_tools.simulate.access_log import AccessLog
from host_tools.simulate.rack_unit import RackUnit
from host_tools.simulate.registers import RefusedError

_REQUESTS = DecodePDU(is_server=True)
_BIT_READS = {1: ReadCoilsResponse, 2: ReadDiscreteInputsResponse}
_REGISTER_READS = {3: ReadHoldingRegistersResponse, 4: ReadInputRegistersResponse}
_ONE = {5: WriteSingleCoilResponse, 6: WriteSingleRegisterResponse}
_MANY = {15: WriteMultipleCoilsResponse, 16: WriteMultipleRegistersResponse}
_KNOWN = {*_BIT_READS, *_REGISTER_READS, *_ONE, *_MANY}

# pymodbus warns on its own logger about what the master is told by an exception anyway; a logger
# without any handler would print that to the terminal.
logging.getLogger("pymodbus").addHandler(logging.NullHandler())


class RackSlave:
    """Answers out of the registers of `rack` as they are at this very moment.

    pymodbus takes requests apart and puts answers together; which registers exist and what they
    say is the rack's. `access` notes what the master does.
    """

    def __init__(self, rack: RackUnit, access: AccessLog) -> None:
        self.rack = rack
        self.access = access

    def answer(self, request: bytes) -> bytes:
        """The answer to a request PDU of at least one byte, an exception included."""
        function = request[0]
        if function not in _KNOWN:
            return exception(function, meaning.ILLEGAL_FUNCTION)
        decoded = _REQUESTS.decode(request)
        if decoded is None:  # a count of nothing or of too much, or too few bytes
            return exception(function, meaning.ILLEGAL_VALUE)
        try:
            reply = self._read(decoded) if function <= 4 else self._write(decoded)
        except RefusedError as refused:
            return exception(function, refused.code)
        return bytes([reply.function_code]) + reply.encode()

    def _read(self, request: ModbusPDU) -> ModbusPDU:
        function, address, count = request.function_code, request.address, request.count
        values = self.rack.registers.read(function, address, count)
        for subject, first, size in self.rack.registers.subjects(function, address, count):
            self.access.read(subject, first, size, self.rack.values)
        if function in _BIT_READS:
            return _BIT_READS[function](bits=[bool(value) for value in values])
        return _REGISTER_READS[function](registers=values)

    def _write(self, request: ModbusPDU) -> ModbusPDU:
        function, address = request.function_code, request.address
        values = [int(value) for value in request.bits or request.registers]
        if function in _MANY and request.count != len(values):
            raise RefusedError(meaning.ILLEGAL_VALUE)
        commands = self.rack.write(function, address, values)
        self.access.written(address, values, commands)
        if function in _ONE:
            return _ONE[function](address=address, bits=request.bits, registers=request.registers)
        return _MANY[function](address=address, count=len(values))


def exception(function: int, code: int) -> bytes:
    """An exception answer as a PDU."""
    reply = ExceptionResponse(function & 0x7F, code)
    return bytes([reply.function_code]) + reply.encode()


def address_of(request: bytes) -> int:
    """The first address that a request PDU names; 0 when it is too short for one."""
    return int.from_bytes(request[1:3], "big")
