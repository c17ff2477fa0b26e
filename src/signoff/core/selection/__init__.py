"""Selection: which items to ask next.

One verb: :meth:`Selection.select` gives at most ``count`` of the candidates, most useful first.
Nothing here forms an array of candidates by candidates, candidates by batch, or candidates by
labels times features; ties fall to the earlier candidate.
"""

from signoff.core.selection.clusters import Diverse, DiverseMargin, TypiClust, k_means
from signoff.core.selection.covering import KCenter
from signoff.core.selection.gradients import Badge
from signoff.core.selection.mixing import Balanced, Mixed
from signoff.core.selection.pool import Pool, Random, Selection, smallest
from signoff.core.selection.scores import CostAware, Entropy, LeastConfidence, Margin, margins

__all__ = [
    "Badge",
    "Balanced",
    "CostAware",
    "Diverse",
    "DiverseMargin",
    "Entropy",
    "KCenter",
    "LeastConfidence",
    "Margin",
    "Mixed",
    "Pool",
    "Random",
    "Selection",
    "TypiClust",
    "k_means",
    "margins",
    "smallest",
]
