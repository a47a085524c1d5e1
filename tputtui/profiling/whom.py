"""Which process ":8000", a pid or a name means now: asked each time it is to be sampled, for workers come and go.

Of several that fit, as the workers of one port, the busiest Python process.
"""

from __future__ import annotations

import time

import psutil

from tputtui.collect.listeners import read_listeners
from tputtui.collect.processes import ProcessCollector
from tputtui.frozen import frozen
from tputtui.model import ProcessReading
from tputtui.text import clean

WATCH_S = 0.3  # how long candidates are compared by the CPU time they use


@frozen
class Who:
    """A process, by pid and start (unix seconds): never just a pid."""

    pid: int
    started: float
    name: str


class NobodyThere(LookupError):  # noqa: N818 - it reads as what it is
    """No process fits. The text is a sentence."""


def port_of(words: str) -> int | None:
    """The port of ":8000"; None for a pid or a name. Raises ValueError for a port that cannot be."""
    if not words.startswith(":"):
        return None
    digits = words[1:]
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"{clean(words, 40)!r} is no port: write it as :8000")
    return port


def find(words: str) -> Who:
    """The process that is meant: ":8000" is who listens there, digits are a pid, else a name of the process table.

    Looks for `WATCH_S` seconds where several fit, so not in a thread that must answer at once. Raises NobodyThere,
    ValueError.
    """
    collector = ProcessCollector()
    before = {reading.identity: reading for reading in collector.read()}
    port = port_of(words)
    if port is not None:
        pids = _listening(port)
        fitting = [reading for reading in before.values() if reading.pid in pids]
        nobody = f"no process that may be seen listens on port {port}"
    elif words.isascii() and words.isdigit():
        fitting = [reading for reading in before.values() if reading.pid == int(words[:9])]
        nobody = f"there is no process {words[:9]}"
    else:
        fitting = _named(words, list(before.values()))
        nobody = f"no Python process is named {clean(words, 60)!r}"
    if not fitting:
        raise NobodyThere(nobody)
    fitting = [reading for reading in fitting if reading.python is not None] or fitting
    if len(fitting) > 1:
        time.sleep(WATCH_S)
        after = {reading.identity: reading.cpu_s or 0.0 for reading in collector.read()}
        fitting.sort(key=lambda one: (-(after.get(one.identity, 0.0) - (one.cpu_s or 0.0)), one.pid))
    return Who(fitting[0].pid, fitting[0].started, fitting[0].name)


def _named(words: str, readings: list[ProcessReading]) -> list[ProcessReading]:
    """The Python processes of that name; where none is, those whose name holds it ("gunicorn: worker")."""
    known = [reading for reading in readings if reading.python is not None]
    exact = [reading for reading in known if reading.name == words]
    return exact or [reading for reading in known if words.casefold() in reading.name.casefold()]


def _listening(port: int) -> set[int]:
    """Who listens on a port: the kernel's list names one process of each socket, workers share it with their parent."""
    pids = {listener.pid for listener in read_listeners() if listener.port == port and listener.pid is not None}
    for pid in tuple(pids):
        try:
            family = psutil.Process(pid).children(recursive=True)
            parent = psutil.Process(pid).parent()
            siblings = [] if parent is None else [parent, *parent.children()]
        except psutil.Error:
            continue
        pids |= {process.pid for process in (*family, *siblings) if _holds(process, port)}
    return pids


def _holds(process: psutil.Process, port: int) -> bool:
    try:
        sockets = process.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port for one in sockets)
