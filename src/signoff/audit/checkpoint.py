"""Checkpoints: a log's size and root as a signed note, in the C2SP tlog-checkpoint form.

Three lines (origin, size, base64 root), an empty line, and a signature line: an em dash, the key's
name, and base64 of the key's id and the Ed25519 signature over the three lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import NoReturn

from signoff.audit.keys import PublicKey, SigningKey, is_key_name
from signoff.core.merkle import HASH_BYTES
from signoff.errors import VerificationFailed

ORIGIN = "signoff/"
MAX_SIGNATURES = 64
_DASH = "— "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: ``root`` (32 bytes) over its first ``size`` events."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(project: str) -> str:
    """The first line of a project's checkpoints."""
    return f"{ORIGIN}{project}"


@dataclass(frozen=True, slots=True)
class LogSigner:
    """Signs the tree heads of any project with one key."""

    key: SigningKey

    def sign(self, *, project: str, size: int, root: bytes) -> str:
        """The signed note of a tree head."""
        return sign_checkpoint(
            Checkpoint(origin=origin_of(project), size=size, root=root), self.key
        )


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> str:
    """The signed note."""
    return sign_note(checkpoint.text, key)


def open_checkpoint(note: str, key: PublicKey, *, origin: str) -> Checkpoint:
    """The checkpoint in a signed note, its signature and origin checked.

    Raises :class:`VerificationFailed` where anything is not exactly as it must be. Signatures of
    other keys (witnesses) are ignored; extension lines are refused, for signoff writes none.
    """
    text = open_note(note, key)
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        _refuse(f"it has {len(lines) - 1} lines, not 3")
    if lines[0] != origin:
        _refuse(f"it is of {lines[0][:60]!r}, not of {origin!r}")
    if not _SIZE.fullmatch(lines[1]):
        _refuse(f"its size {lines[1][:30]!r} is not a number")
    root = _base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        _refuse("its root is not 32 bytes in base64")
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)


def sign_note(text: str, key: SigningKey) -> str:
    """A signed note (C2SP signed-note) of a text that ends in a newline."""
    signature = bytes.fromhex(key.id) + key.sign(text.encode())
    return f"{text}\n{_DASH}{key.name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, key: PublicKey) -> str:
    """The text of a signed note that this key signed, else :class:`VerificationFailed`."""
    if any(char < " " and char != "\n" for char in note):
        _refuse("it holds a control character")
    text, found, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not found or not text or len(lines) < 2 or lines.pop():
        _refuse("it is no signed note")
    if len(lines) > MAX_SIGNATURES:
        _refuse(f"it has more than {MAX_SIGNATURES} signatures")
    text += "\n"
    ours = [signature for line in lines if (signature := _ours(line, key)) is not None]
    if not ours:
        _refuse(f"key {key.id} has not signed it")
    try:
        message = text.encode()
    except UnicodeError:
        _refuse("it is not UTF-8")
    if not all(key.verifies(signature, message) for signature in ours):
        _refuse(f"its signature is not by key {key.id}")
    return text


def _ours(line: str, key: PublicKey) -> bytes | None:
    """The signature in a signature line, None where it is another key's."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    data = _base64(encoded)
    if not line.startswith(_DASH) or not is_key_name(name) or data is None or len(data) < 5:
        _refuse("a signature line is malformed")
    mine = name == key.name and data[:4].hex() == key.id
    return data[4:] if mine else None


def _base64(text: str) -> bytes | None:
    """Bytes in strict base64: no other way to write them is taken."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _refuse(what: str) -> NoReturn:
    raise VerificationFailed(f"A checkpoint is not valid: {what}.", code="checkpoint")
