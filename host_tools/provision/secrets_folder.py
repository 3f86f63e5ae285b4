"""The laptop's copy of what a device was given: a folder each that only its owner may read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from gateway.uplink import device_key
from host_tools.errors import UserError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_PEM = b"-----BEGIN"


def lacks_key(folder: Path, new: bool) -> bool:
    """A key has to be made, because there is none or a `new` one is wanted; UserError for a file
    that is none.
    """
    path = folder / device_key.FILE
    if new or not path.exists():
        return True
    if device_key.read_key(read_private(path)) is None:
        raise UserError(f"{path}: is no device key; --new-key makes another one")
    return False


def device_key_of(folder: Path, new: bool) -> bytes:
    """Content of device.key in `folder`, made when it is not there or a `new` one is wanted."""
    path = folder / device_key.FILE
    if not lacks_key(folder, new):
        return read_private(path)
    content = (secrets.token_hex(device_key.KEY_BYTES) + "\n").encode()
    write_private(path, content)
    return content


def write_private(path: Path, content: bytes) -> None:
    """A file that nobody else may read, in a folder nobody else may enter; UserError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.chmod(path.parent, _FOLDER_MODE)
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def read_private(path: Path) -> bytes:
    """A secret's content; UserError when others may read the file."""
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise UserError(f"{path}: others may read it: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def check_pair(certificate: Path, key: Path, gateway: str) -> tuple[bytes, bytes, str]:
    """(certificate, key, a line about them); UserError when they do not belong together."""
    content, secret = _read(certificate), read_private(key)
    try:
        found = _load(content)
        private = (
            load_pem_private_key(secret, None)
            if secret.startswith(_PEM)
            else load_der_private_key(secret, None)
        )
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{certificate}, {key}: no certificate and its key, PEM or DER without a password"
        ) from error
    theirs, ours = (
        each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for each in (found.public_key(), private.public_key())
    )
    if theirs != ours:
        raise UserError(f"{key}: is not the key of {certificate}")
    names = [str(entry.value) for entry in found.subject if entry.oid == x509.NameOID.COMMON_NAME]
    if gateway not in names:
        raise UserError(
            f"{certificate}: is for {', '.join(names) or 'nobody'}, but the site file calls this"
            f" gateway {gateway}"
        )
    return content, secret, f"for {gateway}, until {found.not_valid_after_utc:%Y-%m-%d}"


def check_authority(path: Path) -> tuple[bytes, str]:
    """(certificate of an authority, its fingerprint); UserError when it is none."""
    content = _read(path)
    try:
        found = _load(content)
    except ValueError as error:
        raise UserError(f"{path}: holds no certificate, PEM or DER") from error
    return content, found.fingerprint(hashes.SHA256()).hex()[:16]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error


def _load(content: bytes) -> x509.Certificate:
    if content.startswith(_PEM):
        return x509.load_pem_x509_certificate(content)
    return x509.load_der_x509_certificate(content)
