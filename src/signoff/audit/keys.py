"""Ed25519 keys: the log's signing key in the user's configuration folder, and keys as text.

``<folder>/keys/<key id>.pem`` holds a private key (PKCS #8, mode 0600), ``<folder>/keys/default``
the id of the one new projects are signed with. The folder is ``$SIGNOFF_HOME`` where that is set.
Public keys are written as C2SP signed-note verifier keys: ``name+key id+base64(0x01 || key)``.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from signoff.errors import InputError, StoreError

KEY_NAME = "signoff"
HOME_VARIABLE = "SIGNOFF_HOME"
_ED25519 = b"\x01"
_KEY_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A name and the 32 bytes of an Ed25519 public key."""

    name: str
    raw: bytes

    @property
    def id(self) -> str:
        """The first 4 bytes of SHA-256(name || newline || 0x01 || key), in hex."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).hexdigest()[:8]

    @property
    def text(self) -> str:
        """The C2SP verifier key."""
        return f"{self.name}+{self.id}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key signed the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_public_key(text: str) -> PublicKey:
    """The key a verifier key names; raises :class:`InputError` on anything else.

    >>> parse_public_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").id
    'c74f20a3'
    """
    wrong = InputError(
        f"{text[:60]!r} is no public key.",
        hint="A public key reads name+key id+base64, as `signoff status` shows it.",
        code="public_key",
    )
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise wrong
    try:
        data = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    key = PublicKey(name=parts[0], raw=data[1:])
    if len(data) != 33 or data[:1] != _ED25519 or key.text != text.strip():
        raise wrong
    return key


def is_key_name(name: str) -> bool:
    """Whether a signed note allows this key name: not empty, no space, no plus, no controls."""
    return bool(name) and "+" not in name and name.isprintable() and not re.search(r"\s", name)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair; the private half never leaves this object but to its file."""

    private: Ed25519PrivateKey = field(repr=False)
    name: str = KEY_NAME

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's entropy."""
        return cls(Ed25519PrivateKey.generate())

    @property
    def public(self) -> PublicKey:
        """The half that others may have."""
        raw = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return PublicKey(name=self.name, raw=raw)

    @property
    def id(self) -> str:
        """The public key's id."""
        return self.public.id

    def sign(self, message: bytes) -> bytes:
        """The signature of a message (64 bytes)."""
        return self.private.sign(message)


# ---------------------------------------------------------------------------- on disk


def config_folder() -> Path:
    """``$SIGNOFF_HOME``, or signoff's part of the user's configuration folder."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else platformdirs.user_config_path("signoff", appauthor=False)


def key_folder() -> Path:
    """Where keys are kept."""
    return config_folder() / "keys"


def default_key(folder: Path | None = None) -> SigningKey:
    """The key new projects are signed with, made on first use.

    Two processes that make it at once end up with the same one. Raises :class:`StoreError` where
    it cannot be read or made.
    """
    keys = folder or key_folder()
    try:
        if not (keys / "default").exists():
            _make_default(keys)
        name = (keys / "default").read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise _unusable(keys, error) from error
    if not _KEY_ID.fullmatch(name):
        raise StoreError(
            f"{keys / 'default'} names no key: {name[:20]!r}.",
            hint=f"Write the name of a .pem file of {keys} into it, without .pem.",
            code="key_damaged",
        )
    return load_key(name, keys)


def load_key(key_id: str, folder: Path | None = None) -> SigningKey:
    """The key of this id; raises :class:`StoreError` where it is missing or damaged."""
    keys = folder or key_folder()
    path = keys / f"{key_id}.pem"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(
            f"The signing key {key_id} is not in {keys}.",
            hint=f"Copy {key_id}.pem there from where the project was made, "
            f"or point {HOME_VARIABLE} to the folder that holds keys/{key_id}.pem.",
            code="key_missing",
        ) from None
    except OSError as error:
        raise _unusable(keys, error) from error
    key = _read_pem(data)
    if key is None or key.id != key_id:
        raise StoreError(
            f"{path} is not the signing key {key_id}.",
            hint="Restore the file from a backup; without it the project can be read and "
            "verified, but not continued.",
            code="key_damaged",
        )
    return key


def _read_pem(data: bytes) -> SigningKey | None:
    try:
        private = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return SigningKey(private) if isinstance(private, Ed25519PrivateKey) else None


def _make_default(keys: Path) -> None:
    """Write a new key, then claim the name ``default`` for it; whoever is second takes the
    first one's."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SigningKey.generate()
    pem = key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = keys / f"{key.id}.pem"
    _create(path, pem)
    try:
        _create(keys / "default", f"{key.id}\n".encode())
    except FileExistsError:
        path.unlink()


def _create(path: Path, data: bytes) -> None:
    """Write a file that must not exist: whole, durable and readable by its owner only."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()


def _unusable(keys: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The signing keys in {keys} cannot be used: {error.strerror or error}.",
        hint=f"Make the folder readable and writable, or point {HOME_VARIABLE} to another.",
        code="key_folder",
    )
