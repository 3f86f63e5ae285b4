"""TLS towards the broker: its context from files of the configuration, and when it may be used.

Certificates are judged by date, so nothing is sent before this device knows the time: a device
that starts with its clock at 2000-01-01 would find every certificate not valid yet, and one that
let that pass would take expired ones. The records stay where they are meanwhile.
"""

from __future__ import annotations

from gateway.clock import UNSET
from gateway.uplink.reasons import TlsError, os_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from gateway.clock import Clock
    from gateway.contracts import Storage
    from gateway.uplink.settings import UplinkSettings

_NO_DEVICE = 19  # ENODEV, which MicroPython's errno names on some ports only


def connector(
    open_stream: Callable[..., Awaitable[tuple[Any, Any]]],
    storage: Storage,
    settings: UplinkSettings,
    clock: Clock,
) -> Callable[[str, int], Awaitable[tuple[Any, Any]]]:
    """What `MqttClient` connects with: the board's `open_stream`, with TLS when it is wanted."""
    if not settings.tls:
        return open_stream
    return TlsConnector(open_stream, storage, settings, clock).connect


class TlsConnector:
    """Connects with TLS; reads its files at the first attempt that gets so far.

    A file that is missing or wrong is no reason not to protect a battery, so it is told as any
    other fault of the link and looked at again at the next attempt.
    """

    def __init__(
        self,
        open_stream: Callable[..., Awaitable[tuple[Any, Any]]],
        storage: Storage,
        settings: UplinkSettings,
        clock: Clock,
    ) -> None:
        self._open_stream = open_stream
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._context: Any = None

    async def connect(self, host: str, port: int) -> tuple[Any, Any]:
        """asyncio (reader, writer); TlsError or OSError.

        The handshake may still be under way: then the first write or read ends it, or fails.
        """
        if self._clock.utc_quality == UNSET:
            raise TlsError("the time is not known, so no certificate can be judged: time.ntp_host")
        if self._context is None:
            self._context = make_context(self._storage, self._settings)
        name = self._settings.server_name or host
        try:
            return await self._open_stream(host, port, self._context, name)
        except OSError as error:
            if error.errno == _NO_DEVICE:
                raise TlsError("this board cannot do it: uplink.tls 0, and a router that does")
            raise


def make_context(storage: Storage, settings: UplinkSettings) -> Any:
    """An SSLContext that accepts the authority in `ca_file` only; TlsError names what is wrong."""
    try:
        import tls  # MicroPython's own module: a build without mbedTLS lacks it
    except ImportError:
        raise TlsError("this interpreter was built without TLS: another one is needed")
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    authority = _read(storage, "uplink.ca_file", settings.ca_file)
    try:
        context.load_verify_locations(authority)
    except (OSError, ValueError):
        raise TlsError("uplink.ca_file: %s holds no certificate, DER or PEM" % settings.ca_file)
    if settings.cert_file:
        certificate = _read(storage, "uplink.cert_file", settings.cert_file)
        key = _read(storage, "uplink.key_file", settings.key_file)
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ValueError):
            raise TlsError(
                "uplink.cert_file, uplink.key_file: %s and %s are no certificate and its key"
                % (settings.cert_file, settings.key_file)
            )
    return context


def _read(storage: Storage, setting: str, name: str) -> bytes:
    if not name:
        raise TlsError("%s: needs the name of a file" % setting)
    try:
        with storage.open(name, "rb") as file:
            return file.read()
    except OSError as error:
        raise TlsError("%s: %s: %s" % (setting, name, os_reason(error)))
