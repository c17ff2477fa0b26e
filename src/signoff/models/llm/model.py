"""A language model as a fixed model of one question: it is asked about every item once.

What goes to people unasked: empty items, and those that speak to the model. What goes to people
after it was asked: every reply that is no answer to the letter, calls that failed for good, and
answers that hang on a part of the text that reads like an instruction. The score is the model's own
weight for its label where the provider reports one for every answer, else the number the model
states of itself: either orders items, and is calibrated on people's answers before it counts. All
that tells how sure the model is are its predictions' signals.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from signoff.core.coding import Codes
from signoff.core.items import Items, Predictions
from signoff.core.replies import KeptReply
from signoff.errors import UsageError
from signoff.models.llm.calls import Reply, Usage
from signoff.models.llm.examples import example_of
from signoff.models.llm.injection import doubtful, masked, suspicion
from signoff.models.llm.letters import Correspondence, Letter, Replies
from signoff.models.llm.limits import Limits
from signoff.models.llm.prices import Price
from signoff.models.llm.prompts import Example, Prompt
from signoff.models.llm.providers import ModelName
from signoff.models.llm.reading import INSTRUCTS, Unclear, read
from signoff.models.llm.signals import NOTHING, agreement
from signoff.models.llm.spending import ANSWER_COST, OUTPUT_TOKENS, Purse, tokens_of

EMPTY = "empty"
HANGS = "the model's answer hangs on a part that reads like an instruction"
MASKED = "masked"


@dataclass(slots=True, eq=False)
class _One:
    """What became of an item."""

    code: int = -1
    weight: float = math.nan
    stated: float = math.nan
    why: str = ""
    masked: _One | None = None
    samples: list[int] = field(default_factory=list[int])
    version: str = ""


class LanguageModel:
    """A model behind the port :class:`signoff.ports.Model`.

    ``samples``: how often each item is asked about again, to see whether the answer stays.
    ``second``: another model that is asked the same, to see whether it agrees. ``then``: a stronger
    one for what this one is not sure enough of, where a strategy says so. ``on_send`` is told
    the places, in their pool, of the items whose text is about to be sent. ``versions`` are the
    versions that answered, as the provider tells them; ``on_version`` is told each when it first
    answers. ``examples``: how many of people's answers the prompt is to show before anything is
    asked; ``on_examples`` is told their items' places once they are in it.
    """

    def __init__(
        self,
        name: ModelName,
        prompt: Prompt,
        *,
        limits: Limits | None = None,
        replies: Replies | None = None,
        samples: int = 0,
        second: LanguageModel | None = None,
        then: LanguageModel | None = None,
        examples: int = 0,
    ) -> None:
        self.prompt = prompt
        self.wanted_examples = examples
        self.samples = samples
        self.second = second
        self.stronger = then
        self.stronger_price: Price | None = None
        self.answer_cost = ANSWER_COST
        self.on_send: Callable[[Sequence[int]], None] = lambda _: None
        self.on_version: Callable[[str], None] = lambda _: None
        self.on_examples: Callable[[Sequence[int]], None] = lambda _: None
        self.versions: set[str] = set()
        self.letters = Correspondence(name=name, limits=limits or Limits())
        if replies is not None:
            self.letters.replies = replies
        self._codes = Codes(prompt.question)
        for each in self.everyone[1:]:
            each._codes = self._codes

    @property
    def name(self) -> ModelName:
        """The model as the user named it, and where it is asked."""
        return self.letters.name

    @property
    def calls(self) -> int:
        """Calls made since it was made, those in vain among them."""
        return self.letters.calls

    @property
    def usage(self) -> Usage:
        """Tokens of these calls."""
        return self.letters.usage

    @property
    def everyone(self) -> list[LanguageModel]:
        """This model, the second one and the stronger one."""
        return [self, *(each for each in (self.second, self.stronger) if each is not None)]

    @property
    def version(self) -> str:
        """Hash of the model as it was named and as it named itself, and of all that is sent."""
        parts = [self.name.provider, self.name.model, *sorted(self.versions), self.prompt.version]
        if self.samples:
            parts.append(f"{self.samples} samples")
        parts += [each.version for each in self.everyone[1:]]
        digest = hashlib.sha256("\x00".join(parts).encode()).hexdigest()
        return f"{self.name.provider}-{digest[:16]}"

    @property
    def codes(self) -> Codes:
        """What the codes of its predictions mean."""
        return self._codes

    def use(
        self,
        *,
        replies: Replies | None = None,
        purse: Purse | None = None,
        on_asked: Callable[[int, int], None] | None = None,
    ) -> None:
        """Find and keep replies there, spend no more than that, and tell how far the calls are; so
        do the models beside it."""
        for each in self.everyone:
            letters = each.letters
            letters.replies = letters.replies if replies is None else replies
            letters.purse = letters.purse if purse is None else purse
            letters.on_asked = letters.on_asked if on_asked is None else on_asked

    @property
    def lacks_examples(self) -> bool:
        """Whether people are to answer a few items first."""
        return self.wanted_examples > 0 and not self.prompt.examples

    def show(self, items: Items, codes: NDArray[np.int64]) -> None:
        """Put answered items into the prompt; nobody who could not say makes an example."""
        told: dict[int, Example] = {}
        texts = items.texts
        for at, code in enumerate(codes.tolist()):
            if code >= 0 and not self._unasked(texts[at]):
                example = example_of(self.prompt.form, texts[at], self._codes.answers[code])
                if example is not None:
                    told[int(items.index[at])] = example
        if not told:
            self.wanted_examples = 0
            return
        for each in self.everyone:
            each.prompt = each.prompt.with_examples(list(told.values()))
        self.on_examples(list(told))

    def predict(self, items: Items) -> Predictions:
        """Ask about every item that was not asked about before.

        Raises :class:`UsageError` for items without a text, :class:`ModelUnavailable` when nothing
        comes from the provider, :class:`CostReached` where the purse is empty; what came before is
        kept.
        """
        if items.text_column is None:
            raise UsageError(
                "Language models read a text column, and these items have none.",
                hint="Pass --text COL.",
            )
        texts = items.texts
        found = [_One(why=self._unasked(text)) for text in texts]
        letters = self._letters(texts)
        known = self.letters.known(self.prompt, letters)
        for letter, reply in known.items():
            self._take(found, letter, reply, "")
        left = [letter for letter in letters if letter not in known]
        if left:
            places = sorted({letter.at for letter in left})
            self.on_send(items.index[places].tolist())
            self.letters.send(
                self.prompt, left, lambda letter, kept, why: self._take(found, letter, kept, why)
            )
        for one in found:
            _weigh_mask(one)
        second = None if self.second is None else self.second.predict(items)
        return self._predictions(found, second)

    def stronger_costs(self, items: Items) -> float:
        """What asking the stronger model about one of these items costs, in answers of people; 0
        where its price is unknown, or there are none."""
        if self.stronger is None or self.stronger_price is None or not len(items):
            return 0.0
        mean = sum(map(tokens_of, items.texts)) / len(items)
        sent = round(tokens_of(self.stronger.prompt.instructions) + mean)
        cost = self.stronger_price.of(input=sent, output=OUTPUT_TOKENS)
        return float(cost / self.answer_cost)

    def unanswered(self, texts: Sequence[str]) -> list[Letter]:
        """The calls that :meth:`predict` would make, the second model's not among them."""
        letters = self._letters(texts)
        known = self.letters.known(self.prompt, letters)
        return [letter for letter in letters if letter not in known]

    def askable(self, texts: Sequence[str]) -> list[int]:
        """Places of the texts that the model may see: neither empty, nor speaking to it."""
        return [at for at, text in enumerate(texts) if not self._unasked(text)]

    def _unasked(self, text: str) -> str:
        if not text.strip():
            return EMPTY
        return INSTRUCTS if suspicion(text) else ""

    def _letters(self, texts: Sequence[str]) -> list[Letter]:
        """All that is asked: each text; once more without what may instruct; samples."""
        letters: list[Letter] = []
        for at in self.askable(texts):
            text = texts[at]
            letters.append(Letter(at=at, text=text))
            if parts := doubtful(text).parts:
                letters.append(Letter(at=at, text=text, variant=MASKED, sent=masked(text, parts)))
            letters += [
                Letter(at=at, text=text, variant=f"sample {number}")
                for number in range(1, self.samples + 1)
            ]
        return letters

    # ----------------------------------------------------------------- reading

    def _take(
        self, found: list[_One], letter: Letter, kept: KeptReply | None, failure: str
    ) -> None:
        """Note what a letter brought."""
        one = found[letter.at]
        if kept is None:
            said = _One(why=f"the model failed: {failure}"[:160])
        else:
            self._note(kept.version)
            said = self._read(kept, letter.text if letter.sent is None else letter.sent)
        if letter.is_sample:
            one.samples.append(said.code)
        elif letter.variant == MASKED:
            one.masked = said
        else:
            one.code, one.weight, one.stated = said.code, said.weight, said.stated
            one.why, one.version = said.why, said.version

    def _note(self, version: str) -> None:
        if version not in self.versions:
            self.versions.add(version)
            self.on_version(version)

    def _read(self, kept: KeptReply, text: str) -> _One:
        reply = Reply(text=kept.text or "", model=kept.version, ended=kept.ended)
        said = read(self.prompt, reply, text)
        if isinstance(said, Unclear):
            return _One(why=said.why)
        weight = kept.weight if said.code is not None else math.nan
        return _One(
            code=self._codes.code(said.answer),
            weight=weight,
            stated=said.stated,
            version=kept.version,
        )

    def _predictions(self, found: Sequence[_One], second: Predictions | None) -> Predictions:
        answer = np.array([one.code for one in found], dtype=np.int64)
        signals = {
            "weight": _numbers(found, lambda one: one.weight),
            "stated": _numbers(found, lambda one: one.stated),
        }
        if self.samples:
            signals["samples"] = _numbers(found, lambda one: agreement(one.samples, one.code))
        if second is not None:
            same = (second.answer == answer).astype(np.float64)
            signals["second"] = np.where(second.answer < 0, NOTHING, same)
        known = answer >= 0
        weighed = not np.isnan(signals["weight"][known]).any()
        return Predictions(
            answer=answer,
            raw_score=signals["weight" if weighed else "stated"],
            why=[one.why for one in found] if any(one.why for one in found) else None,
            signals=_of_answers(signals, known),
            versions=_versions(found),
        )


def _weigh_mask(one: _One) -> None:
    """Leave an item to people where its answer changes once a part of it is covered."""
    if one.masked is not None and one.code >= 0 and one.masked.code != one.code:
        one.code, one.why = -1, HANGS


def _versions(found: Sequence[_One]) -> NDArray[np.int64] | None:
    """Which version answered each, where several did."""
    names = sorted({one.version for one in found if one.code >= 0})
    if len(names) < 2:
        return None
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers.get(one.version, -1) for one in found], dtype=np.int64)


def _numbers(found: Sequence[_One], of: Callable[[_One], float]) -> NDArray[np.float64]:
    return np.array([of(one) if one.code >= 0 else NOTHING for one in found], dtype=np.float64)


def _of_answers(
    signals: Mapping[str, NDArray[np.float64]], known: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Those signals that tell anything of any answer."""
    return {name: each for name, each in signals.items() if not np.isnan(each[known]).all()}
