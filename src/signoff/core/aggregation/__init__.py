"""One answer for each item from what several people said of it, and how reliable each of them is.

Every method takes :class:`Votes` and gives probabilities (n, k) over the labels; rows of items that
nobody answered are uniform, or whatever the method knows without answers. They estimate, and prove
nothing: no certificate rests on any of them.
"""

from signoff.core.aggregation.crowdlab import Fusion, crowdlab
from signoff.core.aggregation.dawid_skene import POOLED, Consensus, Pooling, dawid_skene, one_coin
from signoff.core.aggregation.mace import mace
from signoff.core.aggregation.reliability import Reliability, reliability
from signoff.core.aggregation.votes import Votes, majority, weighted

__all__ = [
    "POOLED",
    "Consensus",
    "Fusion",
    "Pooling",
    "Reliability",
    "Votes",
    "crowdlab",
    "dawid_skene",
    "mace",
    "majority",
    "one_coin",
    "reliability",
    "weighted",
]
