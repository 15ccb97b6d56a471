"""python -m portal.granian: granian, with one listening socket for all its workers.

On Linux granian gives each worker a socket of its own (SO_REUSEPORT). A worker that ends then
resets whoever waits in its queue, and while the next one still loads nobody listens (seen: 137
connections of 749 refused, on a busy machine). A socket of the main process, as granian has it on
other systems, is always open, and what waits in it is taken by whichever worker is there.
"""

from __future__ import annotations

import multiprocessing
import socket
from typing import Any

from granian.cli import entrypoint
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

_own_sockets = MPServer._init_shared_socket


def _one_socket(server: Any) -> None:
    """In place of MPServer._init_shared_socket. Only a forked worker inherits it."""
    if multiprocessing.get_start_method() != "fork" or server.bind_uds:
        _own_sockets(server)  # type: ignore[no-untyped-call]
        return
    server._shd = SocketSpec(server.bind_addr, server.bind_port, server.backlog).build()
    server._sfd = server._shd.get_fd()
    server._sso = socket.socket(fileno=server._sfd)
    server._sso.set_inheritable(True)
    server._ssp = None


if __name__ == "__main__":
    MPServer._init_shared_socket = _one_socket  # type: ignore[method-assign]
    entrypoint()  # type: ignore[no-untyped-call]
