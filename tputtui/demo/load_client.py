"""HTTP client of the load: keep-alive connections by callbacks, without a task per request, to save
CPU.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

ResponseCallback = Callable[[int | None], None]
"""Callback with the status of the answer; None if there was none."""

MAX_CONNECTIONS = 4000
"""Limit beyond which a request fails at once: the service hangs, and more sockets would only burden
the machine.
"""
_DOWN_BACKOFF_S = 1.0
"""Pause before a refusing replica is tried again, as in a load balancer."""


class ClientConnection(asyncio.Protocol):
    """One keep-alive connection: one request at a time."""

    def __init__(self, replica: ReplicaEndpoint) -> None:
        self._replica = replica
        self._transport: asyncio.Transport | None = None
        self._callback: ResponseCallback | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Mark the connection as established."""
        # For the type checker: a stream has this kind of transport.
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport

    def send(self, request: bytes, callback: ResponseCallback) -> None:
        """Send a request; `callback` is called once."""
        self._callback = callback
        if self._transport is None or self._transport.is_closing():
            self._finish(None)
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect the answer until it is complete."""
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) >= int(length or 0):
            self._buffer = b""
            self._replica.idle_connections.append(self)
            self._finish(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the interface
        """Report that the pending request gets no answer, because the service has gone."""
        self._transport = None
        self._replica.remove(self)
        self._finish(None)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, status: int | None) -> None:
        done, self._callback = self._callback, None
        if done is not None:
            done(status)


class ReplicaEndpoint:
    """One address of the service and the connections to it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.idle_connections: list[ClientConnection] = []
        self.connections: set[ClientConnection] = set()
        self.down_until = 0.0

    async def connect(self) -> ClientConnection:
        """Open a new connection. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: ClientConnection(self), "127.0.0.1", self.port
        )
        self.connections.add(connection)
        return connection

    def remove(self, connection: ClientConnection) -> None:
        """Remove a connection."""
        self.connections.discard(connection)
        if connection in self.idle_connections:
            self.idle_connections.remove(connection)


class LoadClient:
    """Client that distributes requests over the replicas, skipping those that refuse."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._replicas = [ReplicaEndpoint(port) for port in ports]
        self._connecting: set[asyncio.Task[None]] = set()

    def send(self, request: bytes, replica_choice: float, callback: ResponseCallback) -> None:
        """Send at once, on an idle connection or a new one.

        `replica_choice`, 0 to 1, chooses among the replicas that are up.
        """
        now = asyncio.get_running_loop().time()
        up = [replica for replica in self._replicas if replica.down_until <= now] or self._replicas
        replica = up[int(replica_choice * len(up))]
        if replica.idle_connections:
            replica.idle_connections.pop().send(request, callback)
        elif (
            sum(len(each.connections) for each in self._replicas) + len(self._connecting)
            >= MAX_CONNECTIONS
        ):
            callback(None)
        else:
            task = asyncio.get_running_loop().create_task(self._open(replica, request, callback))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _open(
        self, first: ReplicaEndpoint, request: bytes, callback: ResponseCallback
    ) -> None:
        others = [replica for replica in self._replicas if replica is not first]
        for replica in (first, *others):
            try:
                connection = await replica.connect()
            except OSError:
                replica.down_until = asyncio.get_running_loop().time() + _DOWN_BACKOFF_S
                continue
            connection.send(request, callback)
            return
        callback(None)

    def close(self) -> None:
        """Close all connections; pending requests get no answer."""
        for replica in self._replicas:
            for connection in tuple(replica.connections):
                connection.close()
