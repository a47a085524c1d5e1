"""Backend of proxies: the example service without instrumentation, of the standard library."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import shop


class Handler(BaseHTTPRequestHandler):
    """Answer the routes of the example service."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        first, _, rest = self.path.split("?")[0].removeprefix("/").partition("/")
        try:
            if first == "missing":
                raise shop.UnknownItemError
            self.reply(200, shop.work("/" + first, int(rest or "1")))
        except shop.UnknownItemError:
            self.reply(404, {})
        except shop.BackendError:
            self.reply(500, {})

    def do_POST(self) -> None:
        """Accept whatever is posted: a webhook's receiver."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(200, {})

    def reply(self, status: int, value: dict[str, object]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=2" if status == 200 else "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no access log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
