"""The model a stream decides with: kept in the store, loaded where it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from signoff.core.calibration import Calibration
from signoff.core.calibration_json import calibration_from_json
from signoff.core.items import Items, Predictions
from signoff.core.records import Json, Project
from signoff.core.streams import StreamModel, StreamState, choice_of
from signoff.errors import UsageError
from signoff.learning.outlook import confidence_of
from signoff.models.loading import load_model
from signoff.models.predictions import ANSWER, SCORE
from signoff.models.text import TextLearner, TextModel
from signoff.ports import Learner, Model
from signoff.store.store import SqlStore

TEXT = "text"
PROPOSED = "proposed"
"""Under this name an item keeps what somebody else's model said of it; people do not see it."""


def model_named(name: str, labels: tuple[str, ...]) -> Model | TextLearner:
    """The model a stream names; raises :class:`UsageError` for one that cannot be kept."""
    found = load_model(name, labels=labels)
    if isinstance(found, TextLearner):
        return found
    if isinstance(found, Learner) and not isinstance(found, Model):
        raise UsageError(
            f"A stream cannot keep what {name!r} learns.",
            hint="Pass --model text, or FILE.py:NAME of a function or an object with predict.",
        )
    return found


def items_of(shown: Sequence[Mapping[str, object]]) -> Items:
    """Items as a model sees them: their texts, and the fields that came with them."""
    fields = [_fields(each) for each in shown]
    names = dict.fromkeys(name for each in fields for name in each if name != TEXT)
    columns: dict[str, Sequence[object]] = {TEXT: [str(each.get("text", "")) for each in shown]}
    columns |= {name: [each.get(name) for each in fields] for name in names}
    said = [_proposed(each) for each in shown]
    if any(said):
        columns[ANSWER] = [each.get("label") for each in said]
        columns[SCORE] = [each.get("confidence") for each in said]
    return Items(columns, text_column=TEXT)


def _proposed(shown: Mapping[str, object]) -> Json:
    said = shown.get(PROPOSED)
    return said if isinstance(said, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _fields(shown: Mapping[str, object]) -> Json:
    data = shown.get("data")
    return data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def to_bytes(model: TextModel) -> bytes:
    """A text model's arrays."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **model.to_arrays())  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def from_bytes(data: bytes) -> TextModel:
    """The inverse of :func:`to_bytes`."""
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return TextModel.from_arrays({name: arrays[name] for name in arrays.files})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A model with its calibration; ``threshold`` is the least confidence that is sure enough."""

    version: str
    model: Model
    calibration: Calibration
    threshold: float

    def say(self, shown: Sequence[Mapping[str, object]]) -> Said:
        """The model's labels of these items, and how sure it is."""
        predictions = self.model.predict(items_of(shown))
        return Said(
            predictions=predictions, confidence=confidence_of(predictions, self.calibration)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model says of n items; ``confidence`` (n,) is NaN where it gave no usable answer."""

    predictions: Predictions
    confidence: NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Models:
    """The models of one stream; keeps the one in use."""

    store: SqlStore
    project: Project
    _at: tuple[str, int] | None = field(default=None, init=False)
    _ready: Ready | None = field(default=None, init=False)

    def current(self, state: StreamState) -> Ready | None:
        """The model in use; None while there is none."""
        if state.model is None:
            return None
        # A model that stays as it is keeps its version when it is calibrated anew.
        at = (state.model, state.fitted_at)
        ready = self._ready
        if self._at != at or ready is None:
            ready = self._load(state.model)
            self._ready, self._at = ready, at
        return ready

    def _load(self, version: str) -> Ready | None:
        kept = self.store.stream_model(self.project.id, version)
        if kept is None:
            return None
        return Ready(
            version=version,
            model=self._model(kept),
            calibration=calibration_from_json(kept.calibration),
            threshold=kept.threshold,
        )

    def _model(self, kept: StreamModel) -> Model:
        if kept.sha256 is not None:
            return from_bytes(self.store.model_files.read(self.project.id, kept.sha256))
        found = model_named(self.project.model, choice_of(self.project).ids)
        if isinstance(found, TextLearner):
            raise UsageError("A text model of the stream has no file.", hint="Restore the store.")
        return found
