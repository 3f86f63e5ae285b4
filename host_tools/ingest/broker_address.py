"""Where the broker is and how to get in."""

from __future__ import annotations

import ssl
import urllib.parse
from dataclasses import asdict, dataclass

from host_tools.errors import UserError

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerAddress:
    """`authority`, `certificate` and `key` are PEM files; "" = the system's, none, none."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = ""
    authority: str = ""
    certificate: str = ""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def as_json(self) -> dict[str, object]:
        """What the constructor takes."""
        return asdict(self)

    def tls_context(self) -> ssl.SSLContext | None:
        """None without TLS; UserError when a file cannot be used."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.authority or None)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None)
        except (OSError, ValueError) as error:
            names = ", ".join(filter(None, (self.authority, self.certificate, self.key)))
            raise UserError(f"--ca, --cert, --key {names}: {error}") from error
        return context


def parse(url: str, authority: str = "", certificate: str = "", key: str = "") -> BrokerAddress:
    """mqtt://USER:PASSWORD@HOST:PORT, mqtts:// with TLS; UserError for anything else."""
    parts = urllib.parse.urlsplit(url)
    wanted = "--broker: needs mqtt://HOST or mqtts://HOST"
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path.strip("/"):
        raise UserError(wanted)
    try:
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        raise UserError(f"{wanted}:PORT ({error})") from error
    address = BrokerAddress(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "mqtts",
        user=urllib.parse.unquote(parts.username or ""),
        password=urllib.parse.unquote(parts.password or ""),
        authority=authority,
        certificate=certificate,
        key=key,
    )
    if not address.tls and (authority or certificate or key):
        raise UserError("--ca, --cert and --key need --broker mqtts://HOST")
    address.tls_context()
    return address
