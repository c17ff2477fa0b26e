"""signoff: machines decide what they can prove they get right, people sign off on the rest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from signoff.version import VERSION

if TYPE_CHECKING:
    from signoff.client import Client
    from signoff.core.items import Answers, Item, Items, Predictions
    from signoff.core.questions import CANNOT_SAY, Choice, Label
    from signoff.core.routing import AskAlways, Certified, People, Threshold
    from signoff.errors import SignoffError
    from signoff.live import Stream
    from signoff.ports import Learner, Model, Reviewer
    from signoff.sdk import Result, run
    from signoff.storeview import StoreView

__version__ = VERSION

__all__ = [
    "CANNOT_SAY",
    "Answers",
    "AskAlways",
    "Certified",
    "Choice",
    "Client",
    "Item",
    "Items",
    "Label",
    "Learner",
    "Model",
    "People",
    "Predictions",
    "Result",
    "Reviewer",
    "SignoffError",
    "StoreView",
    "Stream",
    "Threshold",
    "run",
]

_HOME = {
    "CANNOT_SAY": "core.questions",
    "Answers": "core.items",
    "AskAlways": "core.routing",
    "Certified": "core.routing",
    "Choice": "core.questions",
    "Client": "client",
    "Item": "core.items",
    "Items": "core.items",
    "Label": "core.questions",
    "Learner": "ports",
    "Model": "ports",
    "People": "core.routing",
    "Predictions": "core.items",
    "Result": "sdk",
    "Reviewer": "ports",
    "SignoffError": "errors",
    "StoreView": "storeview",
    "Stream": "live",
    "Threshold": "core.routing",
    "run": "sdk",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: ``signoff --help`` needs none of them."""
    if name in _HOME:
        return getattr(import_module(f"signoff.{_HOME[name]}"), name)
    raise AttributeError(f"module 'signoff' has no attribute {name!r}")
