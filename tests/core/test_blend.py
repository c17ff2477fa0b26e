from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signoff.core.blend import blend, one_hot
from signoff.errors import UsageError


def rows(n: int = 4, k: int = 3) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, (n, k), elements=st.floats(1e-6, 1.0))


share = st.floats(0, 1)


@given(rows(), rows(), share)
@settings(deadline=None)
def test_blended_rows_are_distributions(yhat: np.ndarray, h: np.ndarray, alpha: float) -> None:
    mixed = blend(yhat, h, alpha)
    assert np.all(mixed >= 0)
    assert np.allclose(mixed.sum(axis=1), 1)


@given(rows(), rows(), share)
@settings(deadline=None)
def test_a_blend_lies_between_its_parts(yhat: np.ndarray, h: np.ndarray, alpha: float) -> None:
    mixed, a, b = blend(yhat, h, alpha), blend(yhat, h, 1), blend(yhat, h, 0)
    assert np.all(mixed <= np.maximum(a, b) + 1e-12)
    assert np.all(mixed >= np.minimum(a, b) - 1e-12)


@given(rows(), rows(), share)
@settings(deadline=None)
def test_swapping_the_parts_and_the_share_changes_nothing(
    yhat: np.ndarray, h: np.ndarray, alpha: float
) -> None:
    assert np.allclose(blend(yhat, h, alpha), blend(h, yhat, 1 - alpha))


@given(rows(), st.floats(1e-3, 1e3), share)
@settings(deadline=None)
def test_the_scale_of_a_row_does_not_matter(yhat: np.ndarray, by: float, alpha: float) -> None:
    human = one_hot([0, 1, 2, -1], 3)
    assert np.allclose(blend(yhat * by, human, alpha), blend(yhat, human, alpha))


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=20))
def test_people_overrule_at_alpha_zero_and_the_model_at_one(codes: list[int]) -> None:
    human = one_hot(codes, 5)
    model = np.tile([0.2, 0.2, 0.2, 0.3, 0.1], (len(codes), 1))
    assert np.allclose(blend(model, human, 0), human)
    assert np.allclose(blend(model, human, 1), model)


def test_each_item_may_have_an_alpha_of_its_own() -> None:
    mixed = blend([[1, 0], [1, 0]], [[0, 1], [0, 1]], [0.0, 1.0])
    assert mixed.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_outside_the_unit_interval_is_refused(alpha: float) -> None:
    with pytest.raises(UsageError, match="not between 0 and 1"):
        blend([[1.0]], [[1.0]], alpha)


@pytest.mark.parametrize("row", [[[0.0, 0.0]], [[-1.0, 2.0]], [[float("inf"), 1.0]]])
def test_a_row_that_is_no_distribution_is_refused(row: list[list[float]]) -> None:
    with pytest.raises(UsageError, match="no distribution"):
        blend(row, [[0.5, 0.5]], 0.5)


def test_different_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match="Cannot blend"):
        blend([[0.5, 0.5]], [[1.0]], 0.5)
