"""Keys and certificates before they go onto a board."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway.uplink.device_key import read_key
from host_tools.errors import UserError
from host_tools.provision.secrets_folder import (
    check_authority,
    check_pair,
    device_key_of,
    lacks_key,
)


def pair(folder: Path, name: str, encoding: Encoding = Encoding.PEM) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(encoding))
    paths[1].write_bytes(key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption()))
    paths[1].chmod(0o600)
    return paths


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "devices" / "gw-001"
    assert lacks_key(folder, False)
    content = device_key_of(folder, False)
    assert read_key(content) is not None
    assert stat.S_IMODE((folder / "device.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not lacks_key(folder, False)
    assert device_key_of(folder, False) == content
    assert device_key_of(folder, True) != content


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    device_key_of(tmp_path, False)
    (tmp_path / "device.key").chmod(0o644)
    with pytest.raises(UserError, match="others may read it: chmod 600"):
        device_key_of(tmp_path, False)


def test_a_damaged_key_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    path.write_bytes(b"0" * 64)
    path.chmod(0o600)
    with pytest.raises(UserError, match="--new-key"):
        device_key_of(tmp_path, False)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_and_its_key(tmp_path: Path, encoding: Encoding) -> None:
    certificate, key = pair(tmp_path, "gw-001", encoding)
    content, secret, text = check_pair(certificate, key, "gw-001")
    assert (content, secret) == (certificate.read_bytes(), key.read_bytes())
    assert text == "for gw-001, until 2027-01-01"
    assert check_authority(certificate)[0] == content


def test_what_does_not_belong_together(tmp_path: Path) -> None:
    ours, other = pair(tmp_path, "gw-001"), pair(tmp_path, "gw-002")
    with pytest.raises(UserError, match="is not the key of"):
        check_pair(ours[0], other[1], "gw-001")
    with pytest.raises(
        UserError, match="is for gw-002, but the site file calls this gateway gw-0"
    ):
        check_pair(*other, "gw-001")
    ours[1].write_bytes(b"x")
    with pytest.raises(UserError, match="no certificate and its key"):
        check_pair(*ours, "gw-001")
    with pytest.raises(UserError, match="holds no certificate"):
        check_authority(ours[1])
