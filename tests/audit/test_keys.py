"""The signing key on disk, and public keys as text."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.audit.keys import (
    PublicKey,
    SigningKey,
    default_key,
    key_folder,
    load_key,
    parse_public_key,
)
from signoff.errors import InputError, StoreError

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_the_documented_verifier_key_reads_back_as_it_was_written() -> None:
    key = parse_public_key(VKEY)
    assert (key.name, key.id, key.text) == ("PeterNeumann", "c74f20a3", VKEY)


@given(st.binary(min_size=32, max_size=32))
def test_every_public_key_reads_back(raw: bytes) -> None:
    key = PublicKey(name="signoff", raw=raw)
    assert parse_public_key(key.text) == key


@given(st.text() | st.integers(0, len(VKEY) - 1).map(lambda i: VKEY[:i] + "*" + VKEY[i + 1 :]))
def test_any_other_text_is_no_public_key(text: str) -> None:
    with pytest.raises(InputError, match="no public key"):
        parse_public_key(text)


def test_a_key_of_another_algorithm_or_with_a_wrong_id_is_refused() -> None:
    raw = SigningKey.generate().public.raw
    ed448 = base64.b64encode(b"\x02" + raw).decode()
    for text in (f"signoff+00000000+{ed448}", VKEY.replace("c74f20a3", "c74f20a4")):
        with pytest.raises(InputError):
            parse_public_key(text)


def test_the_first_use_makes_a_key_only_its_owner_can_read(tmp_path: Path) -> None:
    key = default_key(tmp_path / "keys")
    path = tmp_path / "keys" / f"{key.id}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert default_key(tmp_path / "keys").public == key.public
    assert load_key(key.id, tmp_path / "keys").public == key.public
    assert sorted(p.name for p in path.parent.iterdir()) == sorted(["default", path.name])


def test_a_signature_is_verified_by_its_key_only() -> None:
    key, other = SigningKey.generate(), SigningKey.generate()
    signature = key.sign(b"message")
    assert key.public.verifies(signature, b"message")
    assert not key.public.verifies(signature, b"massage")
    assert not other.public.verifies(signature, b"message")
    assert not key.public.verifies(b"", b"message")


def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    code = "from signoff.audit.keys import default_key; print(default_key().id)"
    root = Path(__file__).parents[2] / "src"
    environment = os.environ | {"SIGNOFF_HOME": str(tmp_path), "PYTHONPATH": str(root)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    ids = {process.communicate()[0].strip() for process in running}
    assert len(ids) == 1
    assert (tmp_path / "keys" / f"{ids.pop()}.pem").exists()
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_who_comes_second_takes_the_first_ones_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner = default_key(tmp_path)
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda p: p.name != "default" and exists(p))
    assert default_key(tmp_path).id == winner.id
    assert len(list(tmp_path.iterdir())) == 2


def test_signoff_home_moves_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path))
    assert key_folder() == tmp_path / "keys"
    monkeypatch.delenv("SIGNOFF_HOME")
    assert "signoff" in str(key_folder())


def test_a_missing_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="0a1b2c3d is not in") as caught:
        load_key("0a1b2c3d", tmp_path)
    assert "SIGNOFF_HOME" in caught.value.hint


@pytest.mark.parametrize("damage", [b"", b"junk", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_damaged_key_is_named(tmp_path: Path, damage: bytes) -> None:
    key = default_key(tmp_path)
    (tmp_path / f"{key.id}.pem").write_bytes(damage)
    with pytest.raises(StoreError, match="is not the signing key"):
        default_key(tmp_path)


def test_a_key_under_another_keys_name_is_refused(tmp_path: Path) -> None:
    key = default_key(tmp_path)
    (tmp_path / f"{key.id}.pem").rename(tmp_path / "00000000.pem")
    with pytest.raises(StoreError, match="not the signing key 00000000"):
        load_key("00000000", tmp_path)


def test_a_damaged_choice_of_key_is_named(tmp_path: Path) -> None:
    default_key(tmp_path)
    (tmp_path / "default").write_text("../../etc/passwd")
    with pytest.raises(StoreError, match="names no key"):
        default_key(tmp_path)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        default_key(tmp_path / "file" / "keys")
