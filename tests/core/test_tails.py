"""Tail probabilities: those of SciPy to the last bit, and of exact fractions nearly."""

from __future__ import annotations

import numpy as np
import scipy
from hypothesis import given
from hypothesis import strategies as st

from signoff.core.tails import exact_hypergeometric, hypergeometric

counts = st.integers(-1, 60) | st.integers(0, 2_000_000)


@given(x=counts, n=counts, good=counts, m=counts)
def test_the_hypergeometric_tail_is_that_of_scipy(x: int, n: int, good: int, m: int) -> None:
    expected = scipy.stats.hypergeom.cdf(x, n, good, m)
    assert np.array_equal(hypergeometric(x, n, good, m), expected, equal_nan=True)


@given(n=st.integers(1, 3_000_000), data=st.data())
def test_so_are_tails_of_many_samples_at_once(n: int, data: st.DataObject) -> None:
    good, m = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    x = np.arange(-2, 40)
    expected = scipy.stats.hypergeom.cdf(x, n, good, m)
    assert np.array_equal(hypergeometric(x, n, good, m), expected, equal_nan=True)


@given(n=st.integers(1, 200), data=st.data())
def test_the_hypergeometric_tail_is_the_exact_fraction(n: int, data: st.DataObject) -> None:
    good, m = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    x = data.draw(st.integers(0, n))
    exact = float(exact_hypergeometric(x, n, good, m))
    assert abs(float(hypergeometric(x, n, good, m)) - exact) <= 1e-11 * exact
