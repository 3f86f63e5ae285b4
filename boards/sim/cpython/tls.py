"""MicroPython's module `tls` on CPython: contexts that take certificates and keys as bytes."""

from __future__ import annotations

import os
import ssl
import tempfile

PROTOCOL_TLS_CLIENT = ssl.PROTOCOL_TLS_CLIENT
CERT_REQUIRED = ssl.CERT_REQUIRED

_SEQUENCE, _OCTETS = 0x30, 0x04
# What follows the version in the key's outer sequence tells its format.
_KEY_LABELS = {_SEQUENCE: "PRIVATE KEY", _OCTETS: "EC PRIVATE KEY"}


class SSLContext(ssl.SSLContext):
    """The part of MicroPython's that the gateway uses; also what `asyncio` takes."""

    def load_verify_locations(self, cadata: bytes) -> None:  # type: ignore[override]
        """Accept what these authorities signed; DER or PEM. OSError, ValueError."""
        super().load_verify_locations(cadata=_text(cadata) if _is_pem(cadata) else cadata)

    def load_cert_chain(self, cert: bytes, key: bytes) -> None:  # type: ignore[override]
        """Identify with this certificate and key; DER or PEM. OSError, ValueError."""
        # OpenSSL reads them from files only: one that nobody else can read, for a moment.
        number, path = tempfile.mkstemp()
        try:
            with os.fdopen(number, "w") as file:
                file.write(_pem_certificate(cert) + _pem_key(key))
            super().load_cert_chain(path)
        finally:
            os.remove(path)


def _is_pem(data: bytes) -> bool:
    return b"-----BEGIN " in data


def _text(data: bytes) -> str:
    return data.decode("ascii") + "\n"


def _pem_certificate(data: bytes) -> str:
    return _text(data) if _is_pem(data) else ssl.DER_cert_to_PEM_cert(data)


def _pem_key(data: bytes) -> str:
    if _is_pem(data):
        return _text(data)
    label = _KEY_LABELS.get(_tag_behind_version(data), "RSA PRIVATE KEY")
    return ssl.DER_cert_to_PEM_cert(data).replace(" CERTIFICATE-", f" {label}-")


def _tag_behind_version(data: bytes) -> int:
    """Tag of the second element of a DER sequence; 0 when there is none."""
    head = 2 + (data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0)
    # the version: tag, length 1, value
    return data[head + 3] if len(data) > head + 3 else 0
