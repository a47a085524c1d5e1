"""Service of the standard library: counts requests and serves /metrics in several processes.

`python prefork_server.py WORKERS BUSY [PORT] [HOST]`: without workers it serves by itself;
otherwise they are forked behind `listen` and share the socket, as gunicorn's do, while the parent
waits. `BUSY` is the number of workers that compute all the time. `reuseport` as a fifth argument
gives each worker a socket of its own.

It prints {"port": …, "parent": …, "workers": […]} and ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time


def compute() -> None:
    while True:
        sum(range(2000))


def serve(listening: socket.socket, *, is_busy: bool) -> None:
    if is_busy:
        threading.Thread(target=compute, daemon=True).start()
    began, count = time.time(), 0
    while True:
        with contextlib.suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                count += 7
                body = (
                    "# TYPE http_requests_total counter\n"
                    f'http_requests_total{{status="200"}} {count}\n'
                    "# TYPE process_start_time_seconds gauge\n"
                    f"process_start_time_seconds {began}\n"
                ).encode()
                head = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)


def listen(host: str, port: int, *, is_shared: bool) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(64)
    return listener


def main() -> None:
    workers, busy = int(sys.argv[1]), int(sys.argv[2])
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    host = sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1"
    is_shared = sys.argv[5:6] == ["reuseport"]
    listening = listen(host, port, is_shared=is_shared)
    port = listening.getsockname()[1]
    pids: list[int] = []
    for number in range(workers):
        pid = os.fork()
        if not pid:
            if is_shared:
                listening.close()
                listening = listen(host, port, is_shared=True)
            threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
            serve(listening, is_busy=number < busy)
        pids.append(pid)
    if is_shared and workers:
        listening.close()
        time.sleep(0.2)  # until each has its socket
    print(json.dumps({"port": port, "parent": os.getpid(), "workers": pids}), flush=True)
    if not workers:
        threading.Thread(
            target=serve, args=(listening,), kwargs={"is_busy": busy > 0}, daemon=True
        ).start()
    select.select([sys.stdin], [], [])
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


if __name__ == "__main__":
    main()
