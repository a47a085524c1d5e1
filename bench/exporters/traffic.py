"""Rounds of load: a few requests a second, some of them slow, some of them errors."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import socket
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

PAUSE_S = 0.05
SHOP = ("/items/1", "/items/2", "/items/3", "/search?q=a", "/items/4", "/slow", "/search?q=b")
SHOP_ROUND = (*SHOP, "/missing", *SHOP, "/fail", "/items/0")


def request(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> bytes:
    """Send one request; an error status is an answer like any other."""
    message = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(message, timeout=10) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        return error.read()


def request_json(url: str, value: Any, method: str = "POST", user: str | None = None) -> Any:
    """Send a JSON value, with a user's basic authentication where one is given as NAME:PASSWORD."""
    headers = {"Content-Type": "application/json"}
    if user is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    content = request(url, method, json.dumps(value).encode(), **headers)
    return json.loads(content) if content else None


def http_round(base: str, paths: tuple[str, ...] = SHOP_ROUND) -> Callable[[], None]:
    """Make a round that gets each path once."""

    def send() -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                request(base + path)
            time.sleep(PAUSE_S)

    return send


def shop_round(base: str) -> Callable[[], None]:
    """Make a round over the routes of our example service, with two orders."""
    get_all = http_round(base)

    def send() -> None:
        get_all()
        for order in ({"item": 1}, {"item": 0}):
            with contextlib.suppress(OSError, ValueError):
                request_json(base + "/orders", order)

    return send


def redis_round(port: int) -> Callable[[], None]:
    """Make a round of Redis commands over one connection; one of them is an error."""
    connection = socket.create_connection(("127.0.0.1", port))
    counter = itertools.count()

    def send() -> None:
        for _ in range(10):
            key = f"key:{next(counter) % 40}"
            for line in (
                f"SET {key} value",
                f"GET {key}",
                "GET absent",
                "LPUSH queue 1",
                "LPOP queue",
            ):
                connection.sendall(line.encode() + b"\r\n")
                connection.recv(4096)
            time.sleep(PAUSE_S)
        connection.sendall(b"LPUSH key:1 wrong-type\r\n")
        connection.recv(4096)

    return send


def memcached_round(port: int) -> Callable[[], None]:
    """Make a round of memcached commands: sets, hits and misses."""
    connection = socket.create_connection(("127.0.0.1", port))
    counter = itertools.count()

    def send() -> None:
        for _ in range(10):
            key = f"key{next(counter) % 40}"
            for line in (f"set {key} 0 0 5\r\nvalue", f"get {key}", "get absent", "incr absent 1"):
                connection.sendall(line.encode() + b"\r\n")
                connection.recv(4096)
            time.sleep(PAUSE_S)

    return send


def dns_query(port: int, name: str, record_type: int = 1) -> None:
    """Ask a name server on the loopback for one name over UDP."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    message = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question
    message += struct.pack(">HH", record_type, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(2)
        link.sendto(message, ("127.0.0.1", port))
        with contextlib.suppress(OSError):
            link.recv(4096)


def dns_round(port: int, zone: str) -> Callable[[], None]:
    """Make a round of look-ups: found, not existing, refused."""

    def send() -> None:
        for name in (f"www.{zone}", f"mail.{zone}", zone, f"absent.{zone}", "elsewhere.test"):
            for record_type in (1, 28):
                dns_query(port, name, record_type)
                time.sleep(PAUSE_S)

    return send


def statsd_packet(port: int, lines: str) -> None:
    """Send statsd lines in one datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.sendto(lines.encode(), ("127.0.0.1", port))


def proxy_round(port: int, base: str, paths: tuple[str, ...]) -> Callable[[], None]:
    """Make a round through a forward proxy on the loopback."""
    handler = urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{port}"})
    opener = urllib.request.build_opener(handler)

    def send() -> None:
        for path in (*paths, "/unreachable"):
            # The last one goes to a port where nothing listens.
            origin = "http://127.0.0.1:1" if path == "/unreachable" else base
            with contextlib.suppress(OSError), opener.open(origin + path, timeout=10) as answer:
                answer.read()
            time.sleep(PAUSE_S)

    return send
