"""From what a user names or hands over to a model or a learner."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from signoff.errors import UsageError
from signoff.models.callable import CallableModel
from signoff.models.predictions import PREDICTIONS, ColumnModel
from signoff.models.text import TextLearner
from signoff.ports import Learner, Model

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

WHAT_WILL_DO = (
    "Give a Learner, a scikit-learn estimator, an object with predict(list), or a function."
)


def load_model(model: object, *, labels: tuple[str, ...]) -> Model | Learner:
    """A model or learner from "text", "predictions", "FILE.py:NAME", or an object.

    None is the built-in one, "text".

    Raises :class:`UsageError` for anything else.
    """
    if model is None or model == "text":
        return TextLearner(labels=len(labels))
    if model == PREDICTIONS:
        return ColumnModel(labels=labels)
    if isinstance(model, str):
        model = load_model_spec(model)
    if _is_estimator(model):
        from signoff.models.estimator import EstimatorLearner, fitted_model, is_fitted

        return fitted_model(model, labels) if is_fitted(model) else EstimatorLearner(model)
    if inspect.isclass(model):
        model = _made(model)
    if isinstance(model, Model) or (isinstance(model, Learner) and _is_learner(model)):
        return model
    if callable(model) or callable(getattr(model, "predict", None)):
        return CallableModel(model, labels=labels)
    raise UsageError(f"A {type(model).__name__} is no model.", hint=WHAT_WILL_DO)


def load_model_spec(spec: str) -> object:
    """The object NAME in FILE.py; the file is run, its folder can be imported from."""
    file, colon, name = spec.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        raise UsageError(
            f"--model {spec!r} is not known.", hint="Write text, predictions or FILE.py:NAME."
        )
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"Model file {file!r} does not exist.", hint="Check the path.")
    names = vars(_run(path))
    if name not in names:
        known = sorted(
            n for n, value in names.items() if n[0] != "_" and not inspect.ismodule(value)
        )
        raise UsageError(
            f"{name!r} is not in {file} (has: {', '.join(known[:12]) or 'nothing'}).",
            hint="Write FILE.py:NAME with one of these.",
        )
    return names[name]


def _run(path: Path) -> object:
    module_name = f"signoff_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as Python.", hint="Give a .py file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(
            f"{path} failed: {type(error).__name__}: {str(error)[:200]}",
            hint="Run the file with Python first.",
        ) from error
    return module


def _is_estimator(model: object) -> TypeGuard[BaseEstimator]:
    """A scikit-learn estimator; there is none where scikit-learn, slow to import, is not loaded."""
    sklearn = sys.modules.get("sklearn.base")
    return sklearn is not None and isinstance(model, sklearn.BaseEstimator)


def _made(kind: type[object]) -> object:
    try:
        return kind()
    except TypeError as error:
        raise UsageError(
            f"{kind.__name__} cannot be made without arguments: {error}",
            hint="Name an instance, not the class.",
        ) from error


def _is_learner(model: object) -> bool:
    """Whether ``fit`` takes items, answers and ``rng``, as the port says."""
    try:
        return "rng" in inspect.signature(model.fit).parameters  # pyright: ignore[reportAttributeAccessIssue]
    except (TypeError, ValueError):
        return True
