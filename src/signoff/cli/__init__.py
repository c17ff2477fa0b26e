"""The command line: parse, call, print. Heavy libraries are imported inside the commands."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, cast

import typer

from signoff.cli import (
    asking,
    backup,
    consensus,
    demo_llm,
    doctor,
    review,
    run,
    serve,
    store_commands,
    users,
    why,
    worker,
)
from signoff.cli import stream as live
from signoff.cli.output import print_error, say
from signoff.errors import Exit, SignoffError

BROKEN_PIPE = 141
"""What a shell reports of a program whose reader went away (128 + SIGPIPE)."""

app = typer.Typer(
    name="signoff",
    help="Machines decide what they can prove they get right; people sign off on the rest.",
    epilog="Exit codes: 0 finished, 1 verification failed or internal error, 2 usage or bad "
    "input, 3 unfinished and resumable, 4 the promise cannot be kept (nothing was asked).",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("run")(run.run)
app.command("serve")(serve.serve)
app.command("review")(review.review)
app.add_typer(users.app, name="user")
app.command("worker")(worker.worker)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(live.app, name="stream")
app.command("status")(store_commands.status)
app.command("export")(store_commands.export)
app.command("report")(store_commands.report)
app.command("verify")(store_commands.verify)
app.command("log")(store_commands.log)
app.command("why")(why.why)
app.command("proof")(store_commands.proof)
app.command("erase")(store_commands.erase)
app.command("consensus")(consensus.consensus)
app.command("spent")(asking.spent)
app.command("prices")(asking.prices)
app.add_typer(asking.prompt_app, name="prompt")
app.command("doctor")(doctor.doctor)
app.command("demo-llm")(demo_llm.demo_llm)


@app.callback()
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Machines decide what they can prove they get right; people sign off on the rest."""
    if version:
        from signoff.version import VERSION

        say(f"signoff {VERSION}")
        raise typer.Exit(Exit.DONE)
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(Exit.USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Never a traceback, unless SIGNOFF_DEBUG=1 asks for it."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _write_what_can_be_written()
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes again on exit: let that go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    command = typer.main.get_command(app)
    try:
        with command.make_context("signoff", arguments) as context:
            command.invoke(context)
        return Exit.DONE
    except typer.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, EOFError, typer.Abort):
        print_error("Interrupted; the same command goes on from here.", code="interrupted")
        return Exit.UNFINISHED
    except SignoffError as error:
        if _debugging():
            traceback.print_exc()
        print_error(
            error.message, error.hint, code=error.code, as_json=as_json, exit=error.exit_code
        )
        return error.exit_code
    except Exception as error:
        return _unforeseen(error, as_json=as_json)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what polars raises beside exceptions
            raise
        return _unforeseen(error, as_json=as_json)


def _unforeseen(error: BaseException, *, as_json: bool) -> int:
    """A wrong option in the parser's words, or a mistake of ours: one line each."""
    if isinstance(error, typer.BadParameter.__mro__[2]):  # every complaint of the parser
        message = cast("typer.BadParameter", error).format_message()
        hint = "See signoff --help."
        print_error(message, hint, code="usage", as_json=as_json, exit=Exit.USAGE)
        return Exit.USAGE
    if _debugging():
        traceback.print_exception(error)
    kind = type(error).__name__
    hint = "" if _debugging() else "SIGNOFF_DEBUG=1 shows where."
    print_error(f"Internal error: {kind}: {error}.", hint, as_json=as_json, exit=Exit.FAILED)
    return Exit.FAILED


def _debugging() -> bool:
    return os.environ.get("SIGNOFF_DEBUG") == "1"


def _write_what_can_be_written() -> None:
    """A character the terminal's encoding lacks becomes an escape, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
