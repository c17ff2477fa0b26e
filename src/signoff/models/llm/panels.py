"""Who is asked, as one line of text: a model, how often, and a second one beside it."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.errors import UsageError
from signoff.models.llm.providers import is_model_name

MOST_SAMPLES, MOST_EXAMPLES = 20, 50
_SAMPLES, _SECOND, _THEN, _EXAMPLES = "samples ", "second ", "then ", "examples "


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A ``model`` as PROVIDER:MODEL, asked ``samples`` more times; ``second``: another one that is
    asked the same; ``then``: a stronger one for what the first is not sure enough of;
    ``examples``: how many of people's first answers their prompt shows.

    >>> str(Panel(model="gemini:a", samples=3, second="openai:b"))
    'gemini:a; samples 3; second openai:b'
    >>> Panel.read('gemini:a; samples 3; second openai:b').second
    'openai:b'
    """

    model: str
    samples: int = 0
    second: str | None = None
    then: str | None = None
    examples: int = 0

    def __str__(self) -> str:
        parts = [self.model]
        parts += [f"{_SAMPLES}{self.samples}"] if self.samples else []
        parts += [f"{_SECOND}{self.second}"] if self.second else []
        parts += [f"{_THEN}{self.then}"] if self.then else []
        parts += [f"{_EXAMPLES}{self.examples}"] if self.examples else []
        return "; ".join(parts)

    @classmethod
    def read(cls, text: str) -> Panel:
        """The panel that a line tells of; raises :class:`UsageError` for anything else."""
        model, *rest = text.split("; ")
        samples, examples, second, then = 0, 0, None, None
        for part in rest:
            if part.startswith(_SAMPLES) and part.removeprefix(_SAMPLES).isdecimal():
                samples = int(part.removeprefix(_SAMPLES))
            elif part.startswith(_EXAMPLES) and part.removeprefix(_EXAMPLES).isdecimal():
                examples = int(part.removeprefix(_EXAMPLES))
            elif part.startswith(_SECOND):
                second = part.removeprefix(_SECOND)
            elif part.startswith(_THEN):
                then = part.removeprefix(_THEN)
            else:
                raise UsageError(f"--model {text[:80]!r} is not known.", hint="See signoff run -h.")
        return cls.of(model, samples=samples, second=second, then=then, examples=examples)

    @classmethod
    def of(
        cls,
        model: str,
        *,
        samples: int = 0,
        second: str | None = None,
        then: str | None = None,
        examples: int = 0,
    ) -> Panel:
        """A panel of these; raises :class:`UsageError` where they are none."""
        if examples > MOST_EXAMPLES:
            raise UsageError(
                f"--examples {examples} is more than {MOST_EXAMPLES}.",
                hint="Each example is sent with every text: a few well chosen ones will do.",
            )
        if samples > MOST_SAMPLES:
            raise UsageError(
                f"--samples {samples} is more than {MOST_SAMPLES}.",
                hint="A handful tells most of what more would.",
            )
        for flag, name in (("--model", model), ("--second", second), ("--then", then)):
            if name is not None and not is_model_name(name):
                raise UsageError(
                    f"{flag} {name[:60]!r} is no model of a provider.",
                    hint="Write gemini:MODEL, openai:MODEL or anthropic:MODEL.",
                )
        return cls(model=model, samples=samples, second=second, then=then, examples=examples)
