"""The same job by hand: read, vectorise, train, predict, write. No certificate, no log, no resume.

    python benchmarks/_bare.py IN.csv OUT.csv ANSWERS

The features amount to those of signoff's built-in text model: words and word pairs, character 3-5
n-grams within words, both TF-IDF weighted, what occurs twice or more in 100,000 texts spread over
the file, at most 2**19 and 2**18 columns. A logistic regression learns from as many answers as
signoff's model had, drawn at random; all rows are predicted in chunks, so that memory stays flat.
"""

from __future__ import annotations

import sys

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

STATISTICS = 100_000
CHUNK = 20_000


def features() -> FeatureUnion:
    """Words, word pairs, character n-grams."""
    return FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True,
                                      max_features=1 << 19, dtype=np.float32)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2,
                                           sublinear_tf=True, max_features=1 << 18,
                                           dtype=np.float32)),
        ]
    )  # fmt: skip


def main(source: str, target: str, answers: int) -> None:
    """Label every row of a CSV with columns ``text`` and ``label``."""
    table = pl.read_csv(source, infer_schema=False)
    texts, n = table["text"].to_list(), table.height
    union = features()
    spread = np.linspace(0, n - 1, min(n, STATISTICS)).astype(int)
    union.fit([texts[at] for at in spread.tolist()])

    chosen = np.random.default_rng(1).permutation(n)[:answers].tolist()
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(
        union.transform([texts[at] for at in chosen]), table["label"].gather(chosen).to_list()
    )

    chunks = [
        model.predict_proba(union.transform(texts[start : start + CHUNK]))
        for start in range(0, n, CHUNK)
    ]
    probabilities = np.concatenate(chunks)
    best = probabilities.argmax(axis=1)
    table.with_columns(
        predicted=pl.Series(model.classes_[best]),
        probability=pl.Series(probabilities.max(axis=1)),
    ).write_csv(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
