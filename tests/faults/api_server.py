"""Small Prometheus API for one job or more, with every way in which a server can refuse."""

from __future__ import annotations

import http.server
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Sample = tuple[dict[str, str], float]
Answer = tuple[int, str, bytes]


def bucket(part: str, value: float, le: str | None = None) -> Sample:
    labels = {"__name__": f"http_request_duration_seconds_{part}", "instance": "i:1"}
    return (labels if le is None else {**labels, "le": le}, value)


RAW: list[Sample] = [
    *(
        (
            {"__name__": "http_requests_total", "code": code, "route": "/a", "instance": instance},
            value,
        )
        for instance in ("i:1", "i:2")
        for code, value in (("200", 5000.0), ("500", 50.0))
    ),
    *(
        bucket("bucket", value, le)
        for le, value in (("0.1", 4000.0), ("0.5", 5000.0), ("+Inf", 5050.0))
    ),
    bucket("sum", 400.0),
    bucket("count", 5050.0),
]

RATES: list[Sample] = [
    ({"tputtui_family": "http_requests_total", "code": "200"}, 100.0),
    ({"tputtui_family": "http_requests_total", "code": "500"}, 1.0),
    ({"tputtui_family": "http_request_duration_seconds_bucket", "le": "0.1"}, 80.0),
    ({"tputtui_family": "http_request_duration_seconds_bucket", "le": "0.5"}, 101.0),
    ({"tputtui_family": "http_request_duration_seconds_bucket", "le": "+Inf"}, 101.0),
    ({"tputtui_family": ":up"}, 2.0),
    ({"tputtui_family": ":all"}, 2.0),
]


def success(data: Any, **more: Any) -> Answer:
    return 200, "application/json", json.dumps({"status": "success", "data": data, **more}).encode()


def vector(samples: list[Sample], **more: Any) -> Answer:
    series = [{"metric": labels, "value": [time.time(), str(value)]} for labels, value in samples]
    return success({"resultType": "vector", "result": series}, **more)


def refusal(status: int, kind: str, error: str) -> Answer:
    return (
        status,
        "application/json",
        json.dumps({"status": "error", "errorType": kind, "error": error}).encode(),
    )


class Fake:
    """Answers of the server. `wrong` replaces them while it is set."""

    def __init__(self, jobs: tuple[str, ...] = ("api",)) -> None:
        self.jobs = jobs
        self.port = 0
        self.wrong: Callable[[str], Answer | None] | None = None
        self.more: dict[str, Any] = {}  # beside the data: warnings
        self.scrape_s = 1.0
        self.samples = 5
        self.up = 2.0
        self.asked: list[tuple[float, str, dict[str, str]]] = []  # when, path, form
        self.headers: list[dict[str, str]] = []

    def answer(self, path: str, form: dict[str, str]) -> Answer | None:
        self.asked.append((time.monotonic(), path, form))
        query = form.get("query", "")
        if self.wrong is not None:
            return self.wrong(query)
        if path == "/api/v1/metadata":
            return success(
                {"http_requests_total": [{"type": "counter", "help": "Requests.", "unit": ""}]}
            )
        if path == "/api/v1/query_range":
            begin, end, step = (float(form[key]) for key in ("start", "end", "step"))
            times = [begin + step * number for number in range(int((end - begin) / step) + 1)]
            return self._matrix(times)
        if path != "/api/v1/query":
            return 404, "text/plain", b"404 page not found"
        return self._query(query)

    def _matrix(self, times: list[float]) -> Answer:
        series = [
            {"metric": labels | {"job": job}, "values": [[at, str(value / 2)] for at in times]}
            for job in self.jobs
            for labels, value in RATES
        ]
        return success({"resultType": "matrix", "result": series})

    def _query(self, query: str) -> Answer:
        if query == "vector(1)":
            return vector([({}, 1.0)])
        if query.startswith("count by (job,__name__)"):
            names = {labels["__name__"] for labels, _ in RAW}
            return vector(
                [
                    ({"job": job, "__name__": name}, 4.0)
                    for job in self.jobs
                    for name in sorted(names)
                ]
            )
        if query.startswith("up{") and query.endswith("s]"):
            now = time.time()
            values = [[now - self.scrape_s * number, "1"] for number in range(self.samples, 0, -1)]
            return success({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})
        if query.startswith("up{"):
            sources = [(job, instance) for job in self.jobs for instance in ("i:1", "i:2")]
            return vector(
                [({"__name__": "up", "job": job, "instance": where}, 1.0) for job, where in sources]
            )
        if "label_replace" in query:
            rates = [
                (labels, self.up if labels["tputtui_family"] == ":up" else value)
                for labels, value in RATES
            ]
            series = [
                ({**labels, "job": job}, value) for job in self.jobs for labels, value in rates
            ]
            return vector(
                [item for item in series if f'"{item[0]["tputtui_family"]}"' in query], **self.more
            )
        share = 0.9 if " offset " in query else 1.0
        name_match = re.search(r'__name__=~?"([^"]*)"', query)
        raw = [
            (labels, v)
            for labels, v in RAW
            if name_match is None or re.fullmatch(name_match[1], labels["__name__"])
        ]
        return vector(
            [
                ({**labels, "job": job}, v * share)
                for job in self.jobs
                if f'"{job}"' in query
                for labels, v in raw
            ]
        )


DURATION = "http_request_duration_seconds"


class NativeFake(Fake):
    """Server with a native histogram.

    Of 100 observations, 60 are from 50 to 100 ms, the rest up to 200 ms.
    """

    def _query(self, query: str) -> Answer:
        if query.startswith("count by (job,__name__)"):
            return vector(
                [
                    ({"job": "api", "__name__": name}, 4.0)
                    for name in ("http_requests_total", DURATION)
                ]
            )
        answer = super()._query(query)
        name_match = json.loads(answer[2])["data"]
        if name_match["resultType"] != "vector":
            return answer
        name = "tputtui_family" if "label_replace" in query else "__name__"
        kept = [
            series
            for series in name_match["result"]
            if not series["metric"].get(name, "").startswith(DURATION)
        ]
        if f'"{DURATION}"' in query or (
            name == "__name__" and query.startswith("{") and "__name__=" not in query
        ):
            buckets = [[0, "0.05", "0.1", "60"], [0, "0.1", "0.2", "40"]]
            histogram = [time.time(), {"count": "100", "sum": "9", "buckets": buckets}]
            kept.append({"metric": {name: DURATION, "job": "api"}, "histogram": histogram})
        return success({"resultType": "vector", "result": kept})


@contextmanager
def serving(fake: Fake) -> Iterator[Fake]:
    """Serve the fake over HTTP until the block ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._reply(dict(urllib.parse.parse_qsl(body)))

        def _reply(self, form: dict[str, str]) -> None:
            fake.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = fake.answer(self.path, form)
            if answer is None:  # no answer is sent
                time.sleep(0.7)
                self.close_connection = True
                return
            status, kind, body = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silence the log of requests."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", fake.port), Handler) as server:
        fake.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
