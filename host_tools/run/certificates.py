"""Certificates made for a test or a measurement and gone with it: no private key is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Pem, Der = serialization.Encoding.PEM, serialization.Encoding.DER


class Authority:
    """Signs certificates; ECDSA P-256, as in the field."""

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _common_name(name)
        own = (
            _builder(self._name, self._name, self._key.public_key(), -1, 3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self._write(f"{name.replace(' ', '-').lower()}.pem", own.public_bytes(Pem))
        self.der = self._write(f"{self.pem.stem}.der", own.public_bytes(Der))

    def issue(
        self,
        name: str,
        *,
        begins_days: int = -1,
        ends_days: int = 30,
        encoding: serialization.Encoding = Pem,
    ) -> tuple[Path, Path]:
        """Files with a certificate for `name` and its key; days count from today."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_common_name(name), self._name, key.public_key(), begins_days, ends_days)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        end = "pem" if encoding is Pem else "der"
        return (
            self._write(f"{name}.{end}", certificate.public_bytes(encoding)),
            self._write(f"{name}-key.{end}", private),
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins_days: int,
    ends_days: int,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins_days))
        .not_valid_after(now + timedelta(days=ends_days))
    )
