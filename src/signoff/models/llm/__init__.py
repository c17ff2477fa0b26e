"""Language models as annotators: what is asked of them, how it is sent, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.core.questions import Choice, Question
from signoff.models.llm.limits import Limits
from signoff.models.llm.model import LanguageModel
from signoff.models.llm.prompts import Example, Prompt
from signoff.models.llm.providers import model_name

__all__ = ["Example", "LanguageModel", "Limits", "Prompt", "language_model"]


def language_model(
    name: str,
    question: Question | Sequence[str],
    *,
    guideline: str = "",
    examples: Sequence[Example] = (),
    base_url: str | None = None,
    offline: bool = False,
    limits: Limits | None = None,
) -> LanguageModel:
    """A model such as ``gemini:gemini-2.5-flash``, asked a question or which of some labels fits.

    It sends the text of items to its provider, or to ``base_url``; ``offline`` refuses whatever is
    not on this machine. Replies are kept for as long as it lives.

    Raises :class:`UsageError` for an unknown name, a missing key or library.
    """
    named = model_name(name, base_url=base_url, offline=offline)
    named.check()
    asked = Choice.of(list(question)) if isinstance(question, Sequence) else question
    prompt = Prompt(question=asked, guideline=guideline, examples=examples)
    return LanguageModel(named, prompt, limits=limits)
