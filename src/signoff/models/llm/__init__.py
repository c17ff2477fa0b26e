"""Language models as annotators: what is asked of them, how it is sent, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signoff.core.questions import Question
    from signoff.models.llm.limits import Limits
    from signoff.models.llm.model import LanguageModel
    from signoff.models.llm.prompts import Example, Prompt

__all__ = ["Example", "LanguageModel", "Limits", "Prompt", "language_model"]

_HOME = {"Example": "prompts", "LanguageModel": "model", "Limits": "limits", "Prompt": "prompts"}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: few runs ask a language model."""
    if name in _HOME:
        return getattr(import_module(f"signoff.models.llm.{_HOME[name]}"), name)
    raise AttributeError(f"module 'signoff.models.llm' has no attribute {name!r}")


def language_model(
    name: str,
    question: Question | Sequence[str],
    *,
    guideline: str = "",
    examples: Sequence[Example] = (),
    base_url: str | None = None,
    offline: bool = False,
    limits: Limits | None = None,
    samples: int = 0,
    second: LanguageModel | None = None,
    then: LanguageModel | None = None,
) -> LanguageModel:
    """A model such as ``gemini:gemini-2.5-flash``, asked a question or which of some labels fits.

    It sends the text of items to its provider, or to ``base_url``; ``offline`` refuses whatever is
    not on this machine. ``samples``, ``second`` and ``then`` as for :class:`LanguageModel`. Replies
    are kept for as long as it lives.

    Raises :class:`UsageError` for an unknown name, a missing key or library.
    """
    from signoff.core.questions import Choice
    from signoff.models.llm.model import LanguageModel
    from signoff.models.llm.prompts import Prompt
    from signoff.models.llm.providers import model_name

    named = model_name(name, base_url=base_url, offline=offline)
    named.check()
    asked = Choice.of(list(question)) if isinstance(question, Sequence) else question
    prompt = Prompt(question=asked, guideline=guideline, examples=examples)
    return LanguageModel(named, prompt, limits=limits, samples=samples, second=second, then=then)
