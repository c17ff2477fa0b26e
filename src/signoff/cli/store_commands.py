"""Commands on a store: status, export, report, verify, log, proof, erase."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.output import facts, say, say_json
from signoff.cli.verdict import verdict_json, verdict_lines
from signoff.errors import Exit, InputError, UsageError, VerificationFailed

if TYPE_CHECKING:
    from signoff.audit.verify import Verdict
    from signoff.sdk import StoreView

SQLITE = b"SQLite format 3\x00"

Store = Annotated[
    str, typer.Argument(metavar="STORE", help="A .signoff.db file or a database URL.")
]
Project = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which project. [default: the only one]")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def status(store: Store, project: Project = None, json: Json = False) -> None:
    """Show where a project stands."""
    with open_view(store, project) as view:
        found = view.status()
    if json:
        say_json(found)
        return
    for line in facts(found):
        say(line)


def export(
    store: Store,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help=".csv, .tsv, .jsonl, .parquet or -.")
    ] = "-",
    as_is: Annotated[
        bool,
        typer.Option("--as-is", help="Also texts that a spreadsheet would run as a formula."),
    ] = False,
    project: Project = None,
) -> None:
    """Write the results so far.

    Rows that are not decided yet have empty signoff_ columns. In .csv and .tsv files, not on
    standard output, texts that a spreadsheet would run as a formula begin with an apostrophe."""
    guarded = not as_is and out.lower().endswith((".csv", ".tsv"))
    with open_view(store, project) as view:
        changed = view.export(out, guarded=guarded)
    _written(out)
    if changed:
        say(
            f"{changed:,} texts that a spreadsheet would run begin with an apostrophe;"
            " --as-is leaves them as they are.",
            err=True,
        )


def report(
    store: Store,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="FILE", help="[default: beside the store, .html]"),
    ] = None,
    project: Project = None,
) -> None:
    """Write the report, one HTML file."""
    path = out or beside(store, ".html")
    with open_view(store, project) as view:
        view.report(path)
    _written(path)


def log(
    store: Store,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="A .jsonl file, or -.")
    ] = "-",
    content: Annotated[
        bool,
        typer.Option("--content", help="Include answers, names and texts, not only digests."),
    ] = False,
    project: Project = None,
) -> None:
    """Write the signed log as JSON lines.

    `signoff verify` works from that file and the public key alone."""
    with open_view(store, project) as view:
        view.export_log(out, content=content)
    _written(out)


def proof(
    store: Store,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The row's key.")],
    question: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which question, where several are asked.")
    ] = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="A file, or -.")] = "-",
    project: Project = None,
) -> None:
    """Prove that a decision is in the log."""
    with open_view(store, project) as view:
        found = view.proof(key, question)
    if out == "-":
        say_json(found)
        return
    import json

    from signoff.formats.write import write_text

    write_text(Path(out), json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    _written(out)


def erase(
    store: Store,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of the rows.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: Project = None,
) -> None:
    """Remove rows' content for ever.

    The log keeps digests and says that something was erased; proofs and certificates still
    verify."""
    if not yes:
        _confirm_erasing(keys, store)
    with open_view(store, project) as view:
        for key in keys:
            rows = view.erase(key)
            say(f"Erased {key}: {rows} row{'s' if rows != 1 else ''}.")


def verify(
    path: Annotated[
        str, typer.Argument(metavar="PATH|URL", help="A store, an exported log, or a proof.")
    ],
    key: Annotated[
        str | None,
        typer.Option(metavar="VKEY|FILE", help="The public key you trust, or a file with it."),
    ] = None,
    project: Project = None,
    json: Json = False,
) -> None:
    """Check log, audit and certificate.

    On a store the tables, too; an exported log needs nothing else. A proof needs --key. Exit
    code 1 names the first record that is not what was signed.
    """
    trusted = _public_key(key)
    start = _start_of(path)
    if b'"signoff_proof"' in start:
        _verify_proof(path, trusted, as_json=json)
        return
    if is_store(path):
        with open_view(path, project) as view:
            verdict = view.verify(public_key=trusted)
    else:
        verdict = _verify_log(path, trusted)
    if json:
        say_json(verdict_json(verdict))
    else:
        for line in verdict_lines(verdict):
            say(line)
    raise typer.Exit(int(Exit.DONE if verdict.ok else Exit.FAILED))


# ------------------------------------------------------------------------------- helpers


def is_store(path: str) -> bool:
    """Whether that names a store, and no table or log."""
    if "://" in path or path.endswith(".db"):
        return True
    return Path(path).is_file() and _start_of(path).startswith(SQLITE)


@contextmanager
def open_view(store: str, project: str | None) -> Generator[StoreView]:
    """The project of a store that exists; closed when the block ends."""
    if "://" not in store and not Path(store).exists():
        raise InputError(
            f"No store at {store!r}.", hint="Stores end in .signoff.db, beside the data."
        )
    from signoff.sdk import StoreView

    view = StoreView.open(store, project)
    try:
        yield view
    finally:
        view.close()


def _verify_log(path: str, key: str | None) -> Verdict:
    from signoff.audit.verify import verify_log

    try:
        with Path(path).open("rb") as lines:
            return verify_log(lines, public_key=key)
    except OSError as error:
        raise InputError(
            f"{path!r} cannot be read: {error.strerror}.", hint="Pass a store or an exported log."
        ) from None


def _verify_proof(path: str, key: str | None, *, as_json: bool) -> None:
    """Say which decision is proved to be in the log this key signs; raises where none is."""
    if key is None:
        raise UsageError(
            "A proof does not say whose key to trust.", hint="Pass --key VKEY or --key FILE."
        )
    from json import loads

    from signoff.audit.proof import DecisionProof, verify_proof

    try:
        value = loads(Path(path).read_bytes())
    except ValueError:
        raise VerificationFailed(f"{path!r} is no proof: broken JSON.") from None
    proof = DecisionProof.from_json(value)
    shown = verify_proof(proof, key)
    opened = {name.partition(":")[0]: part.value for name, part in proof.content.items()}
    answer = opened.get("answer") or opened.get("answers") or opened.get("label")
    found: dict[str, object] = {
        "ok": True,
        "event": shown.event.type,
        "at": shown.event.at,
        "and": None if shown.also is None else shown.also.type,
        "row": list(shown.ints),
        "decision": shown.private or answer,
        "checkpoint": shown.checkpoint.text,
    }
    if as_json:
        say_json(found)
        return
    say("Verified: this decision is in the signed log.")
    told = [name for name in ("event", "and", "at", "decision") if found[name] is not None]
    for line in facts({name: found[name] for name in told}):
        say(line)


def _start_of(path: str) -> bytes:
    """The first bytes of a file; none of a database address."""
    if "://" in path:
        return b""
    try:
        with Path(path).open("rb") as file:
            return file.read(200)
    except OSError as error:
        raise InputError(
            f"{path!r} cannot be read: {error.strerror}.", hint="Pass a store or an exported log."
        ) from None


def _public_key(typed: str | None) -> str | None:
    """A key as text, or the text of the file that holds it."""
    if typed is None or not Path(typed).is_file():
        return typed
    return Path(typed).read_text(encoding="utf-8", errors="replace").strip()


def beside(store: str, suffix: str) -> str:
    """The name of a file that belongs to a store."""
    name = "signoff" if "://" in store else str(store).removesuffix(".db")
    return f"{name}{suffix}"


def _confirm_erasing(keys: list[str], store: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Erasing cannot be undone.", hint="Pass --yes to do it.")
    many = f"{len(keys)} rows" if len(keys) > 1 else f"row {keys[0]!r}"
    say(f"Erase the content of {many} from {store}, for ever? [y/N] ", err=True)
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise UsageError("Nothing was erased.")


def _written(path: str) -> None:
    if path != "-":
        say(f"Wrote {path}", err=True)
