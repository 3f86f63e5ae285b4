"""One TCP connection to the broker; the only place that knows how the two asyncio differ."""

from __future__ import annotations

from gateway.uplink.reasons import TlsError, tls_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ_BYTES = 512  # bounds the allocation of one read


class MqttLink:
    """Wraps the (reader, writer) of `asyncio.open_connection`.

    CPython hands its streams a transport, which has a buffer of its own and waits for it on close;
    MicroPython's stream is the socket, and its `close` does nothing.
    """

    def __init__(self, reader: Any, writer: Any) -> None:
        self._reader = reader
        self._writer = writer
        self._transport = getattr(writer, "transport", None)
        if self._transport is not None:
            # drain() then waits until all has left. From CPython 3.12 on the transport keeps a
            # view of what is not yet sent, and our buffers are used again after `send`.
            self._transport.set_write_buffer_limits(high=0)

    async def read(self, room: int) -> bytes:
        """At least one byte, at most `room`; EOFError when the peer closed, OSError when lost."""
        data: bytes = await self._reader.read(min(room, _READ_BYTES))
        if not data:
            raise EOFError
        return data

    async def send(self, packet: bytes | memoryview) -> None:
        """Hand all of `packet` to the socket in one write; its buffer is free afterwards.

        MicroPython's TLS shakes hands in the first one, and tells a certificate that is not
        accepted by a ValueError: TlsError here.
        """
        try:
            self._writer.write(packet)
            await self._writer.drain()
        except ValueError as error:
            raise TlsError(tls_reason(error))

    async def close(self) -> None:
        """Close at once, whatever is still unsent. No task may be waiting in `read` or `send`."""
        if self._transport is not None:
            self._transport.abort()
        else:
            await self._writer.wait_closed()
