"""One request on its way through a simulated slave, as the faults of the wire find it."""

from __future__ import annotations

from dataclasses import dataclass

from pymodbus.framer import FramerRTU

from host_tools.simulate.rack_slave import address_of

TCP, RTU = "tcp", "rtu"
_MBAP_BYTES = 7
READS = (1, 2, 3, 4)


@dataclass
class Exchange:
    """The request, and what becomes of its answer.

    Before the slave sees it, faults may set `heard` to False or `pdu` to an answer of their own;
    afterwards they may change unit, function and transaction; last the finished `frame`, which
    goes out in `pieces` of so many bytes, `gap_ms` apart (0 = in one).
    """

    bus: str  # TCP or RTU
    unit: int
    request: bytes  # PDU
    transaction: int = 0
    heard: bool = True
    pdu: bytes = b""
    delay_ms: float = 0.0
    frame: bytes = b""
    pieces: int = 0
    gap_ms: float = 0.0
    reset: bool = False  # the connection, instead of an answer

    def touches(self, first: int, last: int) -> bool:
        """Whether the request is about a register in `first`..`last`."""
        address = address_of(self.request)
        count = 1
        if self.request[0] in READS or self.request[0] > 6:
            count = int.from_bytes(self.request[3:5], "big")
        return address <= last and first < address + count

    def build(self) -> None:
        """Put the frame around the PDU."""
        if self.bus == TCP:
            length = len(self.pdu) + 1
            header = (self.transaction, 0, length)
            self.frame = b"".join(n.to_bytes(2, "big") for n in header)
            self.frame += bytes([self.unit]) + self.pdu
        else:
            self.frame = with_crc(bytes([self.unit]) + self.pdu)


def with_crc(body: bytes) -> bytes:
    """An RTU frame."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def is_sound(frame: bytes) -> bool:
    """Whether an RTU frame is long enough and its checksum right."""
    if len(frame) < 4:
        return False
    return FramerRTU.compute_CRC(frame[:-2]).to_bytes(2, "big") == frame[-2:]


def split_mbap(buffer: bytes) -> tuple[int, int, bytes, int] | None:
    """(transaction, unit, request PDU, bytes used) of the first whole TCP frame; None = not yet.

    Raises ValueError when this is no Modbus.
    """
    if len(buffer) < _MBAP_BYTES + 1:
        return None
    transaction, protocol, length = (
        int.from_bytes(buffer[at : at + 2], "big") for at in (0, 2, 4)
    )
    if protocol or not 2 <= length <= 254:
        raise ValueError("not Modbus TCP")
    end = 6 + length
    if len(buffer) < end:
        return None
    return transaction, buffer[6], buffer[_MBAP_BYTES:end], end
