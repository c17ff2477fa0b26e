"""What is kept of a language model's reply about one item, so that nothing is paid for twice."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal

Ended = Literal["stop", "length", "refused", "blocked"]
"""How a reply ended: as it should, cut off, declined by the model, held back by the provider."""


def content_digest(text: str) -> str:
    """What names a text in the cache: what is asked again, and what is erased, is found by it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who was asked: ``provider`` and ``model`` as the user named them, ``host`` as item text went
    there, ``prompt`` the version of all that was sent beside the text."""

    provider: str
    model: str
    host: str
    prompt: str

    def key(self, content: str) -> str:
        """What names a reply about a text of this digest."""
        told = "\x00".join([self.provider, self.model, self.host, self.prompt, content])
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReply:
    """A reply, or that none came.

    ``text`` is None where no call brought a reply; ``version``: of the model, as the provider tells
    it; ``weight``: the model's own weight for the label it gave, NaN for none. Tokens and calls are
    those of every attempt, those in vain among them.
    """

    asked: Asked
    content: str
    text: str | None
    version: str = ""
    ended: Ended = "stop"
    weight: float = math.nan
    input: int = 0
    output: int = 0
    cached: int = 0
    calls: int = 1

    @property
    def key(self) -> str:
        """What names it."""
        return self.asked.key(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one version of a model was asked for a project; ``items``: with a reply."""

    provider: str
    model: str
    host: str
    version: str
    items: int
    calls: int
    input: int
    output: int
    cached: int
