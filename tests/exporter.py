"""Small exporter in a thread: its counter is the number of scrapes, for checks of recordings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Exporter:
    """Exporter on a free port of the loopback.

    `asked_total` counts the scrapes; `served[n]` is the monotonic time at which the answer with
    value n + 1 had been sent. `more` returns further lines for the answer of a number, from 1 on.
    """

    def __init__(
        self, more: Callable[[int], str] = lambda number: f"http_requests_total {10 * number}\n"
    ) -> None:
        self.served: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with outer._lock:
                    number = len(outer.served) + 1
                    body = (
                        f"# TYPE asked_total counter\nasked_total {number}\n{more(number)}".encode()
                    )
                    self.send_response(200)
                    self.send_header("Content-Type", "text/plain; version=0.0.4")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    outer.served.append(time.monotonic())

            def log_message(self, *_: Any) -> None:
                pass

        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
