"""Servers of Valkey that a test may break: its own, never the one that all tests share."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from portal.home import Place, service_account
from portal.valkey import Valkey, program
from tests.test_embedded import until

NODES, SLOTS = 3, 16_384


class Frail(Valkey):
    """A server with a socket of its own."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.pid = 0

    def start(self) -> None:
        super().start()
        self.direct = Redis(unix_socket_path=str(self.socket))
        self.pid = self.direct.info("server")["process_id"]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.stop()
        self.socket.unlink()

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def fill(self) -> None:
        """Have no room for one more byte, and throw nothing away."""
        self.direct.config_set("maxmemory-policy", "noeviction")
        self.direct.config_set("maxmemory", 1)

    def calls(self, command: str) -> int:
        """How often it was asked this."""
        return self.direct.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)


@contextmanager
def place() -> Iterator[Place]:
    """A folder that the account of the servers may enter, as it may not enter pytest's own."""
    home = Path(tempfile.mkdtemp(prefix="portal-test-"))
    home.chmod(0o755)
    made = Place(home)
    made.make()
    yield made
    shutil.rmtree(home)
    shutil.rmtree(made.run, ignore_errors=True)


@contextmanager
def frail() -> Iterator[Frail]:
    with place() as where:
        server = Frail(where)
        server.start()
        try:
            yield server
        finally:
            if server.socket.exists():
                server.thaw()
                server.stop()


@contextmanager
def cluster() -> Iterator[list[int]]:
    """A Redis Cluster of three masters on loopback; gives their ports."""
    with place() as where, ExitStack() as stack:
        ports = _free_ports(2 * NODES)
        buses, ports = ports[NODES:], ports[:NODES]
        for port, bus in zip(ports, buses, strict=True):
            stack.enter_context(_node(where, port, bus))
        nodes = [Redis(port=port) for port in ports]
        for node in nodes:
            stack.callback(node.close)
            until(lambda node=node: _answers(node))
        for number, node in enumerate(nodes):
            first, last = (SLOTS * (number + each) // NODES for each in (0, 1))
            node.execute_command("CLUSTER ADDSLOTSRANGE", first, last - 1)
            for port, bus in zip(ports, buses, strict=True):
                node.execute_command("CLUSTER MEET", "127.0.0.1", port, bus)
        until(lambda: all(_is_whole(node) for node in nodes))
        yield ports


@contextmanager
def _node(where: Place, port: int, bus: int) -> Iterator[None]:
    folder = where.new_folder(str(port))
    process = subprocess.Popen(
        [
            *(program(where), "--bind", "127.0.0.1", "--port", str(port)),
            *("--cluster-enabled", "yes", "--cluster-port", str(bus), "--dir", folder),
            *("--save", "", "--appendonly", "no", "--cluster-node-timeout", "2000"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **service_account(),
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.socket()) for _ in range(count)]
        for door in doors:
            door.bind(("127.0.0.1", 0))
        return [door.getsockname()[1] for door in doors]


def _answers(node: Redis) -> bool:
    try:
        return bool(node.ping())
    except RedisError:
        return False


def _is_whole(node: Redis) -> bool:
    told = node.execute_command("CLUSTER INFO")
    info = (
        told
        if isinstance(told, dict)
        else dict(line.split(":", 1) for line in told.decode().split() if ":" in line)
    )
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == NODES
