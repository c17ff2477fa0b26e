"""Whether the words that ``signoff why`` names are those that the model goes by: deletion curves.

    python benchmarks/why.py [--quick] [--json FILE]

The built-in model is taught reviews of ``../shared/data/sentiment``; of others the words are taken
out one by one, those first that are named first, and the label's probability is watched (Samek et
al. 2017). The mean of such a curve is the lower, the truer the order. Against words in random
order, which know nothing.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl

from _measure import HERE, Row, finish, parser, row, tell

sys.path.insert(0, str(HERE.parent / "src"))

from signoff.core.items import Answers, Items
from signoff.learning.explain import deletion_curve, occlusion, words_of
from signoff.models.text import TextLearner, TextModel

REVIEWS = HERE.parent.parent / "shared" / "data" / "sentiment" / "reviews.csv"
TAUGHT, EXPLAINED = 2_000, 300
MOST_WORDS = 10
"""Of each order that are taken out."""


def taught() -> tuple[TextModel, list[str]]:
    """A model of reviews, and the texts of others."""
    reviews = pl.read_csv(REVIEWS, infer_schema=False).sample(fraction=1, shuffle=True, seed=1)
    texts, labels = reviews["text"].to_list(), tuple(sorted(reviews["label"].unique()))
    codes = np.array([labels.index(label) for label in reviews["label"][:TAUGHT]], dtype=np.int64)
    items = Items({"text": texts[:TAUGHT]}, text_column="text")
    answers = Answers(labels=labels, codes=codes)
    learner = TextLearner(labels=len(labels))
    return learner.fit(items, answers, rng=np.random.default_rng(0)), texts[TAUGHT:]


def main() -> int:
    given = parser(__doc__).parse_args()
    model, texts = taught()
    texts = [text for text in texts if len(words_of(text)) > MOST_WORDS]
    texts = texts[: 30 if given.quick else EXPLAINED]
    luck = np.random.default_rng(1)
    means: dict[str, list[float]] = {"exact": [], "occlusion": [], "random": []}
    for text in texts:
        answer = model.predict(Items({"text": [text]}, text_column="text")).answer
        code = int(answer[0])
        orders = {
            "exact": [word for word, weight in model.explain(text, code, 300) if weight > 0],
            "occlusion": [word for word, _ in occlusion(model, text, code)],
            "random": luck.permutation(words_of(text)).tolist(),
        }
        for name, order in orders.items():
            curve = deletion_curve(model, text, code, order[:MOST_WORDS])
            # A shorter order stays where its last word left it.
            padded = np.pad(curve, (0, MOST_WORDS + 1 - len(curve)), mode="edge")
            means[name].append(float(padded.mean()))
    chance = float(np.mean(means["random"]))
    lines: list[Row] = [
        row(
            f"probability left, mean over {MOST_WORDS} words taken out: {what} over random words",
            float(np.mean(means[name])) / chance,
            "x",
            most=1,
        )
        for name, what in (("exact", "the model's own words"), ("occlusion", "occlusion's words"))
    ]
    for line in lines:
        tell(line)
    return finish(lines, given.json)


if __name__ == "__main__":
    raise SystemExit(main())
