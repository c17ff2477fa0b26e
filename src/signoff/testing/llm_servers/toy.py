"""The toy behind the servers: it counts words of praise and blame. It is no language model."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

FaultKind = Literal[
    "429", "500", "503", "401", "404", "hang", "drop", "garbage", "half", "refused", "blocked"
]
"""HTTP statuses; no answer ever; a connection that breaks; a body that is no JSON; a reply whose
text is cut off; a model that declines; a provider that holds the reply back."""

Style = Literal[
    "plain",
    "nan",
    "inf",
    "93",
    "percent",
    "in words",
    "unknown label",
    "shouted",
    "closing note",
    "bold",
    "one line",
    "prose",
    "no confidence",
    "empty",
]
"""How a reply is written where no schema is asked for: the tutorial's two lines, or what real
models make of them."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PRAISE = _set(
    "good great love loved lovely excellent amazing wonderful best happy fun enjoyed brilliant"
    " perfect nice superb funny beautiful fantastic charming praise recommend delighted"
)
BLAME = _set(
    "bad terrible hate hated awful worst poor boring sad dull waste stupid horrible mess broken"
    " disappointing annoying slow bland tedious blame refund disappointed useless"
)
POSITIVE = _set("positive good pos yes praise happy")
NEGATIVE = _set("negative bad neg no blame unhappy")

_ITEM = re.compile(r"<item[^>\n]*>\n?(.*?)\n?</item[^>\n]*>", re.DOTALL)
_TUTORIAL = re.compile(r"\btext\s*:\s*\"(.*?)\"\s*,\s*classify", re.DOTALL | re.IGNORECASE)
_CODED = re.compile(
    r"^\s*[-*]?\s*([A-Z]{1,2}|\d{1,3})\s*[=:]\s*([^\n:]+?)\s*(?::.*)?$", re.MULTILINE
)
_DICTATED = re.compile(
    r"(?:answer|sentiment|label|classify[^.]*as)\W+(?:is\W+|with\W+)?\"?(\w+)", re.I
)
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and with which requests: a share of them, the first ones, or those whose
    prompt contains ``on``. ``after``: seconds that a 429 asks to wait."""

    kind: FaultKind
    share: float = 0.0
    first: int = 0
    on: str = ""
    after: float = 1.0

    def hits(self, number: int, prompt: str, seed: int) -> bool:
        """Whether this request, the ``number``-th from 0, meets it."""
        if self.on:
            return self.on in prompt
        if number < self.first:
            return True
        return (
            self.share > 0 and random.Random(f"{seed}/{self.kind}/{number}").random() < self.share
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy:
    """How the model behaves.

    ``latency``: seconds before each reply. ``gullible``: does what the text to be judged says.
    ``weighs``: reports log-probabilities. ``confidence``: what it always says of itself.
    ``wavers``: how often, of the times that it says it is wrong, it says another label where a
    request has a temperature above 0. ``praise`` and ``blame``: the words it knows. ``version``:
    what it calls itself; ``seed`` fixes which requests faults hit.
    """

    latency: float = 0.0
    faults: Sequence[Fault] = field(default_factory=tuple[Fault, ...])
    style: Style = "plain"
    gullible: bool = False
    weighs: bool = True
    confidence: float | None = None
    wavers: float = 0.0
    praise: frozenset[str] = PRAISE
    blame: frozenset[str] = BLAME
    version: str = "toy-1"
    seed: int = 1

    def fault(self, number: int, prompt: str) -> Fault | None:
        """What this request meets; None for nothing."""
        return next((f for f in self.faults if f.hits(number, prompt, self.seed)), None)

    def judge(self, prompt: str, labels: Sequence[str], *, warm: bool = False) -> tuple[str, float]:
        """A label and how sure the toy says it is."""
        text = item_in(prompt)
        if self.gullible and (obeyed := _dictated(text, labels)):
            return obeyed, 0.99
        label, confidence = self._opinion(text, labels)
        others = [each for each in labels if each != label]
        if warm and others and random.random() < self.wavers * (1 - confidence):
            label = random.choice(others)
        return label, confidence if self.confidence is None else self.confidence

    def _opinion(self, text: str, labels: Sequence[str]) -> tuple[str, float]:
        words = _WORDS.findall(text.lower())
        score = sum(word in self.praise for word in words) - sum(
            word in self.blame for word in words
        )
        digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).digest()
        chance = int.from_bytes(digest, "big") / 2**32
        wanted = POSITIVE if score > 0 else NEGATIVE
        for label in labels:
            if score and label.lower() in wanted:
                return label, round(min(0.99, 0.9 + 0.04 * abs(score) + 0.05 * (chance - 0.5)), 2)
        named = [label for label in labels if label.lower() in words]
        chosen = named[0] if named else labels[int(chance * len(labels)) % len(labels)]
        return chosen, round(0.55 + 0.35 * chance, 2)

    def reply(
        self, prompt: str, schema: Mapping[str, object] | None, *, warm: bool = False
    ) -> Said:
        """What the toy writes: JSON after the schema, or lines in its style. ``warm``: asked with a
        temperature above 0."""
        if schema is None:
            label, confidence = self.judge(prompt, ("Positive", "Negative"))
            return Said(text=styled(self.style, label, confidence), code=label, p=confidence)
        codes = coded_labels(prompt)
        labels = tuple(codes.values()) or ("Positive", "Negative")
        label, confidence = self.judge(prompt, labels, warm=warm)
        code = next((code for code, name in codes.items() if name == label), label)
        value = _value(schema, _Answer(code, label, confidence, item_in(prompt)))
        return Said(
            text=json.dumps(value, ensure_ascii=False),
            code=code,
            p=confidence,
            codes=tuple(codes) or (code,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply's text; the code it answers with, its probability, and the codes it might have
    given."""

    text: str
    code: str
    p: float
    codes: tuple[str, ...] = ("Positive", "Negative")

    @property
    def tokens(self) -> list[tuple[str, float, dict[str, float]]]:
        """Pieces of the text with log-probabilities, and what else each might have been."""
        pieces = re.findall(r"\w+|\W", self.text) or [""]
        found: list[tuple[str, float, dict[str, float]]] = []
        told = False
        for piece in pieces:
            if piece == self.code and not told:
                told = True
                rest = [code for code in self.codes if code != self.code]
                others = {code: math.log(max(1e-6, 1 - self.p) / len(rest)) for code in rest}
                found.append((piece, math.log(max(self.p, 1e-6)), others))
            else:
                found.append((piece, math.log(0.999), {}))
        return found


@dataclass(frozen=True, slots=True)
class _Answer:
    code: str
    label: str
    confidence: float
    text: str


def item_in(prompt: str) -> str:
    """The text to be judged: what is marked as the item, or what the tutorial quotes."""
    marked = _ITEM.findall(prompt)
    if marked:
        return str(marked[-1])
    quoted = _TUTORIAL.search(prompt)
    return quoted.group(1) if quoted else prompt


def coded_labels(prompt: str) -> dict[str, str]:
    """The label of each code that the prompt explains (``A = Positive``), before its items."""
    head = _ITEM.sub("", prompt)
    return {code: name.strip() for code, name in _CODED.findall(head)}


def _dictated(text: str, labels: Sequence[str]) -> str | None:
    """The label that the text tells the model to give."""
    known = {label.lower(): label for label in labels}
    for word in _DICTATED.findall(text):
        if word.lower() in known:
            return known[word.lower()]
    return None


def styled(style: Style, label: str, confidence: float) -> str:
    """The tutorial's two lines, as a model may write them."""
    other = "Negative" if label == "Positive" else "Positive"
    return {
        "plain": f"Sentiment: {label}\nConfidence: {confidence}",
        "nan": f"Sentiment: {label}\nConfidence: nan",
        "inf": f"Sentiment: {label}\nConfidence: inf",
        "93": f"Sentiment: {label}\nConfidence: 93",
        "percent": f"Sentiment: {label}\nConfidence: 97%",
        "in words": f"Sentiment: {label}\nConfidence: 0.92 (high)",
        "unknown label": "Sentiment: Mixed\nConfidence: 0.97",
        "shouted": f"Sentiment: {label.upper()}.\nConfidence: 0.97",
        "closing note": f"Sentiment: {label}\nConfidence: 0.97\n\n"
        f"Note: the sentiment could also be: {other}",
        "bold": f"**Sentiment:** {label}\n**Confidence:** 0.97",
        "one line": f"Sentiment: {label}, Confidence: 0.97",
        "prose": f"I would say that this is rather {label.lower()}, and I am quite sure.",
        "no confidence": f"Sentiment: {label}",
        "empty": "",
    }[style]


def _value(schema: Mapping[str, object], answer: _Answer) -> object:
    """A value that follows a JSON schema, of the kinds that signoff asks for."""
    kind = str(schema.get("type", "string")).lower()
    if "enum" in schema:
        allowed = [str(value) for value in cast("list[object]", schema["enum"])]
        return answer.code if answer.code in allowed else _named(answer.label, allowed)
    if kind == "object":
        inner = cast("Mapping[str, Mapping[str, object]]", schema.get("properties", {}))
        return {name: _field(name, each, answer) for name, each in inner.items()}
    if kind == "array":
        return [_value(cast("Mapping[str, object]", schema.get("items", {})), answer)]
    if kind in ("number", "integer"):
        low = float(cast("float", schema.get("minimum", 0)))
        high = float(cast("float", schema.get("maximum", 1)))
        value = low + (high - low) * answer.confidence
        return round(value) if kind == "integer" else round(value, 2)
    if kind == "boolean":
        return answer.label.lower() in POSITIVE
    return answer.text.split("\n")[0][:80]


def _field(name: str, schema: Mapping[str, object], answer: _Answer) -> object:
    if name == "confidence":
        return answer.confidence
    if name in ("reason", "rationale"):
        return "It counts words of praise and blame."
    return _value(schema, answer)


def _named(label: str, allowed: Sequence[str]) -> str:
    return next((each for each in allowed if each.lower() == label.lower()), allowed[0])
