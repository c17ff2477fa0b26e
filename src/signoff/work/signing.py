"""How deliveries are signed: HMAC-SHA256 over id, time and body, as Standard Webhooks writes it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

SECRET_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """A secret to sign deliveries with, shown once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, *, id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` of a delivery; ``timestamp`` in seconds since 1970.

    >>> signature("whsec_c2VjcmV0", id="msg_1", timestamp=1700000000, body=b"{}")
    'v1,A5oIrJxXPB/PkULSoVu0e4khvPiqpF9vljmhkSKg0FI='
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
