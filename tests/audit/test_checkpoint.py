"""Checkpoints: the C2SP text form, signed and opened."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.audit.checkpoint import (
    Checkpoint,
    LogSigner,
    open_checkpoint,
    open_note,
    origin_of,
    sign_checkpoint,
    sign_note,
)
from signoff.audit.keys import SigningKey, parse_public_key
from signoff.errors import VerificationFailed

# The example of Go's golang.org/x/mod/sumdb/note documentation.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
HEAD = Checkpoint(origin="signoff/p", size=3, root=hashlib.sha256(b"root").digest())


def test_the_documented_note_is_opened_and_signed_alike() -> None:
    assert open_note(NOTE, parse_public_key(VKEY)) == TEXT
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(SEED), "PeterNeumann")
    assert key.public.text == VKEY
    assert sign_note(TEXT, key) == NOTE


def test_a_checkpoint_is_the_text_an_independent_reading_of_the_specification_gives() -> None:
    raw = KEY.private.public_key().public_bytes_raw()
    text = f"signoff/p\n3\n{base64.b64encode(HEAD.root).decode()}\n"
    key_hash = hashlib.sha256(b"signoff\n\x01" + raw).digest()[:4]
    signature = base64.b64encode(key_hash + KEY.private.sign(text.encode())).decode()
    note = sign_checkpoint(HEAD, KEY)
    assert note == f"{text}\n\u2014 signoff {signature}\n"
    Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature)[4:], text.encode())


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.text("ab-0", min_size=1))
@settings(max_examples=30)
def test_a_signed_checkpoint_opens_as_what_was_signed(size: int, root: bytes, project: str) -> None:
    note = LogSigner(KEY).sign(project=project, size=size, root=root)
    head = open_checkpoint(note, KEY.public, origin=origin_of(project))
    assert (head.origin, head.size, head.root) == (f"signoff/{project}", size, root)


def test_no_byte_of_a_checkpoint_can_be_changed() -> None:
    data = sign_checkpoint(HEAD, KEY).encode()
    for at in range(len(data)):
        for bit in (1, 2, 4, 32, 128):
            changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
            with pytest.raises(VerificationFailed):
                open_checkpoint(changed.decode("utf-8", "replace"), KEY.public, origin="signoff/p")


@pytest.mark.parametrize(
    "text",
    [
        "signoff/p\n03\n{root}\n",
        "signoff/p\n+3\n{root}\n",
        "signoff/p\n3\n{root}\nextension\n",
        "signoff/p\n3\n",
        "signoff/p\n3\n{short}\n",
        "signoff/p\n3\n\n",
        "signoff/q\n3\n{root}\n",
        "\n3\n{root}\n",
        "signoff/p\n٣\n{root}\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_of_this_log_is_refused(text: str) -> None:
    root = base64.b64encode(HEAD.root).decode()
    note = sign_note(text.format(root=root, short=root[4:]), KEY)
    with pytest.raises(VerificationFailed):
        open_checkpoint(note, KEY.public, origin="signoff/p")


def test_a_witness_may_sign_too_but_not_instead() -> None:
    note, witness = sign_checkpoint(HEAD, KEY), SigningKey.generate()
    line = sign_checkpoint(HEAD, witness).split("\n\n")[1]
    assert open_checkpoint(note + line, KEY.public, origin="signoff/p") == HEAD
    with pytest.raises(VerificationFailed, match="has not signed"):
        open_checkpoint(sign_checkpoint(HEAD, witness), KEY.public, origin="signoff/p")


def test_a_note_with_too_many_signatures_is_refused() -> None:
    note = sign_checkpoint(HEAD, KEY)
    line = note.split("\n\n")[1]
    with pytest.raises(VerificationFailed, match="more than"):
        open_checkpoint(note + line * 64, KEY.public, origin="signoff/p")


@given(st.text())
@settings(max_examples=200)
def test_any_text_is_a_checkpoint_or_a_clear_refusal(text: str) -> None:
    for note in (text, sign_checkpoint(HEAD, KEY) + text, text + sign_checkpoint(HEAD, KEY)):
        try:
            head = open_checkpoint(note, KEY.public, origin="signoff/p")
        except VerificationFailed:
            continue
        assert head == HEAD
