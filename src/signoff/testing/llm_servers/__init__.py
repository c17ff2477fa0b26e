"""Servers on this machine that speak the wire formats of language model providers.

The providers' own client libraries cannot tell them from the real ones; behind them sits a toy that
counts words. They are for tests and for trying signoff without a key::

    with llm_server(Toy(latency=0.2)) as server:
        client = genai.Client(api_key="any", http_options={"base_url": server.url})

One address serves them all: Gemini's ``generateContent``, OpenAI's chat completions (base URL
``server.url + "/v1"``) and Anthropic's messages.
"""

from signoff.testing.llm_servers.serving import LlmServer, llm_server
from signoff.testing.llm_servers.toy import Fault, FaultKind, Style, Toy

__all__ = ["Fault", "FaultKind", "LlmServer", "Style", "Toy", "llm_server"]
