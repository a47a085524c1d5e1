"""Processes that serve a target, by their sockets: real ones on loopback, and synthetic lists."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_proc import process_stat, write_files

from tputtui.host import socket_owners
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.socket_owners import (
    LookedUpTarget,
    OwnAddresses,
    ServingLookup,
    matching_sockets,
    parse_ip,
)
from tputtui.host.sockets import TcpSocket, read_sockets

SERVER = Path(__file__).resolve().parents[1] / "prefork_server.py"


@contextlib.contextmanager
def server(*arguments: object) -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(SERVER), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        assert child.stdin is not None
        child.stdin.close()


def pids(url: str) -> list[int]:
    (listeners,) = ServingLookup(ProcessCollector()).read([LookedUpTarget("shop", url)])
    return [holder.pid for holder in listeners.holders]


def test_all_holders_of_a_shared_socket_are_found_with_their_parent() -> None:
    with server(3, 0) as service:
        lookup = ServingLookup(ProcessCollector())
        (listeners,) = lookup.read(
            [LookedUpTarget("shop", f"http://127.0.0.1:{service['port']}/metrics")]
        )
    assert {holder.pid: holder.parent for holder in listeners.holders} == {
        service["parent"]: os.getpid(),
        **dict.fromkeys(service["workers"], service["parent"]),
    }
    assert (listeners.here, listeners.hidden_users) == (True, ())


def test_siblings_with_a_socket_each_on_one_port_are_all_found() -> None:
    with server(2, 0, 0, "127.0.0.1", "reuseport") as service:
        assert pids(f"http://127.0.0.1:{service['port']}/") == sorted(service["workers"])


def test_a_process_is_the_same_in_the_lookup_and_in_the_table() -> None:
    collector = ProcessCollector()
    with socket.create_server(("127.0.0.1", 0)) as own:
        (listeners,) = ServingLookup(collector).read(
            [LookedUpTarget("x", f"http://127.0.0.1:{own.getsockname()[1]}/")]
        )
    (row,) = collector.read(frozenset((os.getpid(),)), only_watched=True)
    assert (row.pid, row.started) in {(holder.pid, holder.started) for holder in listeners.holders}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_every_name_of_this_machine_resolves_to_the_process(host: str) -> None:
    with server(0, 0) as service:
        assert pids(f"http://{host}:{service['port']}/metrics") == [service["parent"]]
        assert pids(f"http://127.0.0.77:{service['port']}/metrics") == [], (
            "an address on which nobody listens"
        )


def test_a_listener_of_all_addresses_serves_each_of_them_and_ipv6_too() -> None:
    try:
        with server(0, 0, 0, "::") as service:
            port = service["port"]
            for host in ("[::1]", "[::]", "127.0.0.1", "127.0.0.9"):
                assert pids(f"http://{host}:{port}/metrics") == [service["parent"]], host
    except json.JSONDecodeError:
        pytest.skip("no IPv6 here")


def test_two_services_on_one_port_of_two_addresses_are_told_apart() -> None:
    with server(0, 0) as first, server(0, 0, first["port"], "127.0.0.2") as other:
        assert pids(f"http://127.0.0.1:{first['port']}/") == [first["parent"]]
        assert pids(f"http://127.0.0.2:{first['port']}/") == [other["parent"]]


def test_connections_accepted_on_another_port_do_not_count_for_this_one() -> None:
    with (
        server(0, 0) as service,
        socket.create_server(("127.0.0.1", 0)) as own,
        socket.create_connection(own.getsockname()),
        own.accept()[0],
    ):
        assert pids(f"http://127.0.0.1:{service['port']}/") == [service["parent"]]
        port = own.getsockname()[1]
        (listeners,) = ServingLookup(ProcessCollector()).read(
            [LookedUpTarget("x", f"http://127.0.0.1:{port}/")]
        )
    connections = {holder.pid: holder.connections for holder in listeners.holders}
    assert connections[os.getpid()] == 1, "the accepted end, not the client's"


def test_another_machine_and_a_server_s_target_are_not_looked_up() -> None:
    lookup = ServingLookup(ProcessCollector())
    away, served = lookup.read(
        [
            LookedUpTarget("a", "http://192.0.2.7:8000/metrics"),
            LookedUpTarget("b", "http://127.0.0.1:9/", "prom:9090"),
        ]
    )
    assert (away.here, away.address, away.holders) == (False, "192.0.2.7:8000", ())
    assert (served.here, served.server, served.holders) == (None, "prom:9090", ())


def test_a_hanging_name_lookup_delays_nothing_and_is_not_started_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def hang(name: str, *_: object, **__: object) -> list[Any]:
        asked.append(name)
        time.sleep(1.0)
        return [(socket.AF_INET, 1, 6, "", ("127.0.1.1", 0))]

    monkeypatch.setattr(socket_owners, "PATIENCE_S", 0.05)
    monkeypatch.setattr("tputtui.host.socket_owners.socket.getaddrinfo", hang)
    addresses = OwnAddresses()
    assert addresses.locate(["slow.example"])["slow.example"].is_local is None
    assert addresses.locate(["slow.example"])["slow.example"].is_local is None
    assert asked == ["slow.example"]
    monkeypatch.setattr(socket_owners, "PATIENCE_S", 30.0)
    place = addresses.locate(["slow.example"])["slow.example"]
    assert (place.is_local, [str(address) for address in place.addresses]) == (True, ["127.0.1.1"])
    assert asked == ["slow.example"]


def test_a_name_with_an_address_elsewhere_is_not_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {
        "own": ["127.0.0.1", "::1"],
        "both": ["127.0.0.1", "192.0.2.7"],
        "localhost.evil.example": ["192.0.2.9"],
        "none": [],
    }

    def resolve(name: str, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in answers[name]]

    monkeypatch.setattr("tputtui.host.socket_owners.socket.getaddrinfo", resolve)
    located = OwnAddresses().locate(answers)
    assert {name: place.is_local for name, place in located.items()} == {
        "own": True,
        "both": False,
        "localhost.evil.example": False,
        "none": None,
    }


def row(address: str, inode: int, port: int = 80) -> TcpSocket:
    return TcpSocket(address, port, 0, inode)


@pytest.mark.parametrize(
    ("listening", "address", "inodes"),
    [
        ([row("127.0.0.1", 1), row("0.0.0.0", 2)], "127.0.0.1", [1]),
        ([row("127.0.0.1", 1), row("0.0.0.0", 2)], "127.0.0.5", [2]),
        ([row("0.0.0.0", 1), row("::", 2)], "127.0.0.1", [1]),
        ([row("0.0.0.0", 1), row("::", 2)], "::1", [2]),
        ([row("::", 2)], "127.0.0.1", [2]),
        ([row("0.0.0.0", 1)], "::1", []),
        ([row("::ffff:127.0.0.1", 3)], "127.0.0.1", [3]),
        ([row("0.0.0.0", 1), row("0.0.0.0", 2)], "10.0.0.1", [1, 2]),
        ([row("0.0.0.0", 1, 81)], "10.0.0.1", []),
    ],
)
def test_the_socket_is_the_one_that_the_kernel_would_choose(
    listening: list[TcpSocket], address: str, inodes: list[int]
) -> None:
    parsed = parse_ip(address)
    assert parsed is not None
    assert [
        found_socket.inode for found_socket in matching_sockets(listening, [parsed], 80)
    ] == inodes


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(local: str, state: str, uid: int, inode: int) -> str:
    return f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {uid} 0 {inode} 1 0 100 0\n"


def test_a_socket_whose_process_is_hidden_has_its_user_s_name(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "proc/net/tcp": HEAD + line("0100007F:1F86", "0A", 1000, 77) + "torn\n",
            "proc/1/stat": process_stat(1),
            "etc/passwd": "shop:x:1000:1000::/:/bin/sh\n",
        },
    )
    (listeners,) = ServingLookup(ProcessCollector(tmp_path)).read(
        [LookedUpTarget("x", "http://127.0.0.1:8070/")]
    )
    assert (listeners.holders, listeners.hidden_users) == ((), ("shop",))


def test_the_kernel_s_lists_are_read_with_their_holders(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "proc/net/tcp": HEAD
            + line("0100007F:1F86", "0A", 0, 77)
            + line("0100007F:1F86", "01", 0, 78),
            "proc/net/tcp6": HEAD + line("00000000000000000000000001000000:1F87", "0A", 0, 79),
            "proc/7/stat": process_stat(7),
        },
    )
    (tmp_path / "proc/7/fd").mkdir()
    for number, target in enumerate(
        ("socket:[77]", "socket:[78]", "socket:[99]", "/dev/null", "anon_inode:[eventpoll]")
    ):
        (tmp_path / f"proc/7/fd/{number}").symlink_to(target)
    table = read_sockets(str(tmp_path / "proc"))
    assert [(found_socket.address, found_socket.port) for found_socket in table.listening] == [
        ("127.0.0.1", 8070),
        ("::1", 8071),
    ]
    assert [connection.inode for connection in table.accepted] == [78]
    assert table.holders == {77: (7,), 78: (7,)}
    assert table.ports_by_pid() == {7: (8070,)}
    assert read_sockets(str(tmp_path / "nowhere")).listening == ()
