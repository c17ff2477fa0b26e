"""A typed client of a signoff server, for programs: :class:`Client`, and :class:`AsyncClient`.

::

    calls.py      every question to the server, as a value: address, body, what comes back
    transport.py  sending one, again where that is safe; refusals as errors
    sync.py       Client, RemoteProject
    aio.py        AsyncClient, AsyncRemoteProject
"""

from __future__ import annotations

from signoff.client.aio import AsyncClient, AsyncRemoteProject
from signoff.client.sync import Client, RemoteProject

__all__ = ["AsyncClient", "AsyncRemoteProject", "Client", "RemoteProject"]
