"""Why a link failed, in one line for a person: errors of sockets, of flash, of TLS."""

from __future__ import annotations

import errno

from gateway.errors import GatewayError


class TlsError(GatewayError):
    """No TLS: the text says what is wrong and what to do; `MqttClient` catches it and tries on."""


# A broker that sent an alert closes at once, and the reset may overtake it.
CLOSED_IN_HANDSHAKE = (
    "closed by the broker in the handshake: does uplink.port speak TLS, and does it want another"
    " uplink.cert_file?"
)
CLOSED = ("ECONNRESET", "EPIPE")  # `os_reason` of a connection that the other side closed

# Part of what mbedTLS or OpenSSL says, lower case; what that means and what to do. mbedTLS without
# its texts gives numbers only (ssl.h, x509.h). The first row that fits counts.
_MEANINGS = (
    (("expired",), "the broker's certificate has expired: renew it there"),
    (
        ("starts in the future", "not yet valid"),
        "the broker's certificate is not valid yet: is this device's clock right?",
    ),
    (
        ("does not match", "mismatch, certificate"),
        "the broker's certificate is for another name: see uplink.server_name",
    ),
    (
        ("not correctly signed", "local issuer", "self-signed", "self signed", "-9984"),
        "the broker's certificate is not signed by the authority in uplink.ca_file",
    ),
    (
        # All that TLS 1.2 tells: an alert. Brokers that want a certificate and get none, or none
        # that they know, end the handshake this way.
        ("alert", "certificate required", "-30592"),
        "the broker refused this device: is uplink.cert_file there, and one that it accepts?",
    ),
    (
        ("wrong version number", "invalid_record", "record layer", "-29184", "packet length"),
        "what answers does not speak TLS: see uplink.port",
    ),
    (
        ("conn_eof", "-29312", "unexpected_eof", "eof occurred"),
        CLOSED_IN_HANDSHAKE,
    ),
)
_ABOVE_ERRNO = 0x1000  # mbedTLS counts its errors downwards from here
_EPIPE = 32  # which MicroPython's errno does not name


def os_reason(error: OSError) -> str:
    """Text of an OSError: MicroPython's carries the number only."""
    number = error.errno
    if number is None:
        return str(error)
    if number == _EPIPE:
        return "EPIPE"
    return errno.errorcode.get(number) or "error %s" % error


def is_tls_fault(error: OSError) -> bool:
    """True for what comes from TLS and not from the socket below it."""
    number = error.errno
    return hasattr(error, "reason") or (isinstance(number, int) and number <= -_ABOVE_ERRNO)


def tls_reason(error: Exception) -> str:
    """What an error of a TLS library means, and what to do; its own words when nobody knows."""
    own_words = str(error)
    text = own_words.lower().replace("_", " ")
    for signs, meaning in _MEANINGS:
        for sign in signs:
            if sign.replace("_", " ") in text:
                return meaning
    return "TLS: " + own_words.replace("\n", " ").strip()
