"""CPU, terminal output and memory of `tputtui` beside glances, btop and htop, in one run.

Run it as `python bench/cost.py`. Three targets are started on loopback: the demo under its default
load, Debian's prometheus-node-exporter and a Prometheus server. bench/README.md explains the table.
Nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import psutil

TPUTTUI = str(Path(sys.executable).with_name("tputtui"))
COLUMNS, ROWS = 120, 40
PEERS = (
    ("glances -t 1", "pipx install glances"),
    ("btop", "apt install btop"),
    ("htop -d 10", "apt install htop"),
)
YARDSTICK = "glances -t 1"
REPLIES = ((b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b]11;?", b"\x1b]11;rgb:1111/1111/1111\x1b\\"))
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
PANELS = tuple(
    f"─ {title} ".encode()
    for title in ("Throughput", "Latency", "Saturation", "Targets", "Processes")
)
BARE = "bare Textual app"
BARE_APP = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("bare app")
Bare().run()
"""


class Terminal:
    """Program in a pseudo-terminal of 120x40.

    Its output is counted and dropped; its queries are answered.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        env = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("TEXTUAL", "COLORTERM", "NO_COLOR"))
        }
        env |= {
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "COLUMNS": str(COLUMNS),
            "LINES": str(ROWS),
        }
        self.written = 0
        self.painted = b""  # the first 256 KiB, for `paint`
        self.began = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            with contextlib.suppress(OSError):
                os.execvpe(argv[0], list(argv), env)  # noqa: S606  # no shell is the point
            os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 5
        while not os.waitpid(self.pid, os.WNOHANG)[0]:
            self.read(0.05)
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
        os.close(self._fd)

    def read(self, seconds: float) -> None:
        """Read the program's output for some seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._read_once(left)

    def _read_once(self, patience: float) -> None:
        if not select.select([self._fd], [], [], patience)[0]:
            return
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the program has closed its end
            time.sleep(min(patience, 0.05))
            return
        self.written += len(data)
        if len(self.painted) < 1 << 18:
            self.painted += data
        for question, answer in REPLIES:
            if question in data:
                os.write(self._fd, answer)

    def paint(self, texts: Sequence[bytes], patience: float = 15.0) -> float | None:
        """Return the seconds until all the texts are on the screen; None if they never were."""
        while time.monotonic() < self.began + patience:
            self._read_once(0.05)
            shown = ESCAPES.sub(b"", self.painted)
            if all(word in shown for word in texts):
                return time.monotonic() - self.began
        return None


def tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and its children.

    Running ones by their CPU clocks (ns), ended ones by their ticks.
    """
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            ended = process.cpu_times()
            total += ended.children_user + ended.children_system
            total += time.clock_gettime(
                (~process.pid << 3) | 2
            )  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)
    return total


def rss(pid: int) -> int:
    total = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def busy_s() -> float:
    """Return the CPU seconds of the machine that were not idle."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def measure(argv: Sequence[str], warm_up: float, seconds: float) -> tuple[tuple[float, ...], float]:
    """Return (CPU in % of a core, B/s, MiB) over the window, and the cores used by others."""
    with Terminal(argv) as terminal:
        terminal.read(warm_up)
        cpu, written, machine, began = (
            cpu_s(terminal.pid),
            terminal.written,
            busy_s(),
            time.monotonic(),
        )
        terminal.read(seconds)
        elapsed, used = time.monotonic() - began, cpu_s(terminal.pid) - cpu
        figures = (
            100 * used / elapsed,
            (terminal.written - written) / elapsed,
            rss(terminal.pid) / 2**20,
        )
        return figures, (busy_s() - machine - used) / elapsed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def server(program: str, *arguments: str) -> Iterator[str | None]:
    """Start a server on a free port.

    Yields its /metrics once that answers, or None where it is not installed.
    """
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        print(
            f"{program} is not installed (apt install {program}): one target less", file=sys.stderr
        )
        yield None
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    argv = [path, f"--web.listen-address=127.0.0.1:{port}", *arguments]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
                    break
                time.sleep(0.05)
            yield url
        finally:
            process.kill()


@contextlib.contextmanager
def targets() -> Iterator[list[str]]:
    from tputtui.demo.launch import Demo

    with contextlib.ExitStack() as stack:
        demo = stack.enter_context(Demo(seed=1))
        figures: list[str | None] = list(demo.start())
        demo.start_load()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        figures.append(stack.enter_context(server("prometheus-node-exporter")))
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({"scrape_configs": []}))
        data = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}")
        figures.append(stack.enter_context(server("prometheus", *data)))
        yield [url for url in figures if url]


def table(heads: Sequence[str], rows: dict[str, tuple[float, ...]], yardstick: str) -> str:
    """Return a Markdown table: each figure with its ratio to the reference's, where measured."""
    base = rows.get(yardstick)
    lines = [
        f"| | {' | '.join(f'{head} | × {yardstick}' for head in heads)} |",
        "|---|" + "---:|---:|" * len(heads),
    ]
    for name, values in rows.items():
        cells = [
            f"{value:,.2f} | {f'{value / base[at]:.2f}' if base else '–'}"
            for at, value in enumerate(values)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def first_paint(urls: list[str], runs: int) -> dict[str, tuple[float, ...]]:
    """Start the live screen and a Textual app of one word in turns; return the medians."""
    scenes = (
        (BARE, [sys.executable, "-c", BARE_APP], (b"bare app",)),
        ("tputtui", [TPUTTUI, *urls], PANELS),
    )
    took: dict[str, list[float]] = {}
    for _ in range(runs + 1):  # the first fills the caches
        for name, argv, texts in scenes:
            with Terminal(argv) as terminal:
                seconds = terminal.paint(texts)
            if seconds is None:
                print(f"{name} did not paint all of {texts}", file=sys.stderr)
            else:
                took.setdefault(name, []).append(seconds)
    return {name: (statistics.median(seconds[1:] or seconds),) for name, seconds in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each window")
    parser.add_argument(
        "--warm-up", type=float, default=5.0, help="seconds before the window begins"
    )
    parser.add_argument("--paints", type=int, default=5, help="runs of the first paint; 0: none")
    options = parser.parse_args()
    costs: dict[str, tuple[float, ...]] = {}
    others = []
    with targets() as urls:
        programs = [(f"tputtui, {len(urls)} targets", [TPUTTUI, *urls])]
        for command, remedy in PEERS:
            if shutil.which(command.split()[0]):
                programs.append((command, command.split()))
            else:
                print(
                    f"{command.split()[0]} is not on PATH: {remedy}, then run this again",
                    file=sys.stderr,
                )
        for name, argv in programs:
            costs[name], meanwhile = measure(argv, options.warm_up, options.seconds)
            others.append(f"{meanwhile:.1f}")
        print(
            f"{COLUMNS}x{ROWS}, {options.seconds:g} s after {options.warm_up:g} s of warm-up, {os.cpu_count()} CPUs\n"
        )
        print(table(("CPU, % of a core", "B/s", "RSS, MiB"), costs, YARDSTICK))
        print(f"\nCores that everybody else used meanwhile, row by row: {', '.join(others)}")
        if options.paints:
            print(f"\n{table(('first full paint, s',), first_paint(urls, options.paints), BARE)}")


if __name__ == "__main__":
    main()
