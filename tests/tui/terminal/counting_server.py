"""Target that counts its requests; its text is hostile on request."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable
from typing import Self

ESCAPES = (
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]8;;http://evil.invalid\x1b\\\\",
    "\x1b]0;evil\x07",
    "\x1b]1337;File=:AA==\x07",
    "\x1bP$q\x1b\\\\",
    "\x1b_Gevil\x1b\\\\",
    "\x1b[2J\x1b[31m",
    "\x9b31m\x9d52;c;AA==\x9c",
    "\x07\x08\x0b\x0c\x7f\x00",
    "[/red][@click=app.quit]x[/]",
    "%s{0}{x!r}",
    "\u202egnp.exe\u2066\u200b\u200d\ufeff",
    "\U000e0041\U000e0042",
    "Z" + "\u0301" * 60,
    "漢字👩‍👩‍👧",
)
"""Text that acts on a terminal, on markup, on format strings, or on order and width of cells."""


def plain_body(number: int) -> bytes:
    return b"# TYPE http_requests_total counter\nhttp_requests_total %d\n" % (5 * number)


def hostile_body(number: int) -> bytes:
    """Return every kind of hostile text in labels, HELP, units, a quoted name and a comment."""
    lines = ["# TYPE http_requests_total counter"]
    for at, kind in enumerate(ESCAPES):
        lines.append(
            f'http_requests_total{{route="canary{at}{kind}",method="M{kind}",status="200"}} {5 * number}'
        )
        lines += [
            f"# HELP evil{at} canary {kind}",
            f"# UNIT evil{at} {kind}",
            f"# TYPE evil{at} gauge",
        ]
        lines += [
            f'{{"evil{at}{kind}",x="{kind}"}} 1',
            f"# {kind}",
            f"evil{at} 1",
            f"broken{kind} {kind}",
        ]
    return ("\n".join(lines) + "\n").encode()


class CountingServer:
    """Server of a body on a free port.

    `hits` holds the monotonic times of its requests.
    """

    def __init__(self, body: Callable[[int], bytes] = plain_body, answers: bool = True) -> None:
        self.hits: list[float] = []
        self.released = threading.Event()
        ours = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ours.hits.append(time.monotonic())
                if not answers:
                    ours.released.wait(60)
                content = body(len(ours.hits))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.target = f":{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
