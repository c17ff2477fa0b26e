"""The same rows and the same model through ``signoff.run``, certified at 5 %.

python benchmarks/_tutorial_signoff.py IN.csv OUT.csv STORE
"""

from __future__ import annotations

import sys

import signoff
from _texts import LABELS
from _tutorial_model import KeywordModel


def main(source: str, target: str, store: str) -> None:
    """Label every row of a CSV with columns ``text`` and ``label``."""
    result = signoff.run(
        source,
        text="text",
        labels=LABELS,
        model=KeywordModel(),
        reviewer="column:label",
        seed=1,
        store=store,
    )
    if not result.finished or result.certificate is None:
        raise SystemExit("the run did not end with a certificate")
    result.results.write_csv(target)
    print(result.counts["human"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
