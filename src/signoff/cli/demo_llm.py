"""``signoff demo-llm``: a toy on this machine in place of a language model."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from signoff.cli.output import say
from signoff.errors import UsageError

NAP_SECONDS = 0.2

TOLD = """\
A toy that counts words of praise and blame: no language model, whatever it is asked as. It speaks
the formats of Gemini, OpenAI and Anthropic, so that all around it can be tried without a key:

  export GOOGLE_GEMINI_BASE_URL={url}
  export OPENAI_BASE_URL={url}/v1
  export ANTHROPIC_BASE_URL={url}

Ctrl-C ends it."""


def demo_llm(
    port: Annotated[int, typer.Option(metavar="N", help="0 takes any free one.")] = 8899,
    latency: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long each reply takes.")
    ] = 0.2,
    gullible: Annotated[
        bool, typer.Option("--gullible", help="Do what the text to be judged says.")
    ] = False,
) -> None:
    """Serve a toy that speaks the wire formats of language model providers, on this machine alone.

    For trying `--model` without a key and without sending anything away."""
    from signoff.testing.llm_servers import Toy, llm_server

    if not 0 <= port < 65536:
        raise UsageError(f"--port {port} is no port.", hint="Pass a number from 0 to 65535.")
    if not 0 <= latency < 3600:
        raise UsageError(f"--latency {latency:g} is no delay.", hint="Pass seconds, such as 0.2.")
    try:
        with llm_server(Toy(latency=latency, gullible=gullible), port=port) as server:
            say(TOLD.format(url=server.url))
            while True:  # an interrupt that the other thread got is seen between two naps
                time.sleep(NAP_SECONDS)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise UsageError(
            f"The toy cannot listen on port {port}: {error.strerror or error}.",
            hint="Pass another --port; 0 takes any free one.",
        ) from None
