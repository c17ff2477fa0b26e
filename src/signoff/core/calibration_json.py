"""Calibration curves as plain JSON, for models that outlive the process that fitted them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from signoff.core.calibration import Calibration, Isotonic, Platt, Real, Temperature


def calibration_json(curve: Calibration) -> dict[str, object]:
    """A curve of :mod:`signoff.core.calibration` as JSON.

    >>> calibration_json(Temperature(temperature=2.0))
    {'family': 'temperature', 'temperature': 2.0}
    """
    match curve:
        case Temperature():
            return {"family": "temperature", "temperature": curve.temperature}
        case Platt():
            return {
                "family": "platt",
                "slope": curve.slope,
                "offset": curve.offset,
                "per_label": curve.per_label.tolist(),
            }
        case Isotonic():
            return {
                "family": "isotonic",
                "platt": calibration_json(curve.platt),
                "at": curve.at.tolist(),
                "value": curve.value.tolist(),
            }
        case _:
            raise TypeError(f"a {type(curve).__name__} cannot be kept")


def calibration_from_json(value: Mapping[str, object]) -> Calibration:
    """The inverse of :func:`calibration_json`."""
    match value["family"]:
        case "temperature":
            return Temperature(temperature=_number(value["temperature"]))
        case "platt":
            return _platt(value)
        case "isotonic":
            return Isotonic(
                platt=_platt(cast("Mapping[str, object]", value["platt"])),
                at=_numbers(value["at"]),
                value=_numbers(value["value"]),
            )
        case family:
            raise ValueError(f"calibration {family!r} is not known")


def _platt(value: Mapping[str, object]) -> Platt:
    return Platt(
        slope=_number(value["slope"]),
        offset=_number(value["offset"]),
        per_label=_numbers(value["per_label"]),
    )


def _number(value: object) -> float:
    return float(cast("float", value))


def _numbers(value: object) -> Real:
    return np.array(cast("Sequence[float]", value), dtype=np.float64)
