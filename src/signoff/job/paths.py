"""Where a run keeps its store and writes its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signoff.job.options import DEFAULT_PROJECT, RunOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a run keeps its store and writes its files."""

    store: str
    results: str
    certificate: str
    report: str


def paths_of(options: RunOptions) -> Paths:
    """The store beside the data, and the files: beside the data, or in the folder of ``out``."""
    data = options.data
    if isinstance(data, str | Path) and not options.stdin:
        path = Path(data).resolve() if Path(data).is_dir() else Path(data)
        name = path.name.removesuffix(".gz")
        stem = str(path.with_name(Path(name).stem))
    else:
        stem = "stdin" if isinstance(data, str) else "data"
    if options.project != DEFAULT_PROJECT:
        files = f"{stem}.{_safe(options.project)}.signoff"
    else:
        files = f"{stem}.signoff"
    results = options.out or f"{files}.csv"
    if results != "-":
        files = str(Path(results).with_name(Path(files).name))
    return Paths(
        store=options.store or f"{stem}.signoff.db",
        results=results,
        certificate=f"{files}.certificate.json",
        report=options.report or f"{files}.html",
    )


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)


def store_exists(where: str) -> bool:
    """Whether a store is at a path already; of one at a URL it is taken for granted."""
    return "://" in where or Path(where).exists()
