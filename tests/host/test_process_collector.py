"""Processes: their figures, what is cached and for how long, and the agreement with psutil."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fake_proc import process_stat, write_files

from tputtui.host import kernel_files, process_collector
from tputtui.host.command_names import (
    executable_python_version,
    mapped_python_version,
    readable_name,
)
from tputtui.host.process_collector import NOT_PERMITTED, ProcessCollector
from tputtui.model import ProcessReading

PASSWD = "root:x:0:0:root:/root:/bin/bash\nshop:x:1000:1000::/home/shop:/bin/sh\n"


def process(pid: int, stat: bytes, command: str = "", uid: int = 1000) -> dict[str, str | bytes]:
    status = f"Name:\tapp\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
    return {
        f"proc/{pid}/stat": stat,
        f"proc/{pid}/cmdline": command,
        f"proc/{pid}/status": status,
        "etc/passwd": PASSWD,
    }


def only(readings: tuple[ProcessReading, ...]) -> ProcessReading:
    (reading,) = readings
    return reading


# ------------------------------------------------------------------------------------------ reading


def test_a_process_is_read_from_one_line(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7, "app"), "/opt/app\0--port\x0080\0"))
    reading = only(ProcessCollector(tmp_path).read())
    tick = os.sysconf("SC_CLK_TCK")
    assert (reading.pid, reading.name, reading.user, reading.state) == (7, "app", "shop", "S")
    assert reading.cpu_s == 200 / tick
    assert reading.rss_bytes == 256 * os.sysconf("SC_PAGE_SIZE")
    assert reading.threads == 3
    assert reading.command == "/opt/app --port 80"
    assert reading.started == pytest.approx(psutil.boot_time() + 1000 / tick)
    assert reading.cgroup is None


def test_psutil_reports_the_same_of_a_process() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        child.stdout.readline()  # it runs by now: before, its command line may be empty
        other = psutil.Process(child.pid)
        before = other.cpu_times()
        ours = only(ProcessCollector().read(frozenset((child.pid,)), only_watched=True))
        after = other.cpu_times()
        assert ours.started == pytest.approx(other.create_time(), abs=0.02)
        assert ours.cpu_s is not None
        assert (
            before.user + before.system - 0.011 <= ours.cpu_s <= after.user + after.system + 0.011
        )
        assert ours.threads == other.num_threads()
        assert ours.user == other.username()
        assert ours.command == " ".join(other.cmdline())
        assert ours.python == f"{sys.version_info.major}.{sys.version_info.minor}"
        assert child.stdin is not None
        child.stdin.close()


def test_our_own_process_has_the_size_that_psutil_reports() -> None:
    ours = only(ProcessCollector().read(frozenset((os.getpid(),)), only_watched=True))
    assert ours.rss_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)


def test_all_user_processes_are_listed_by_pid_and_kernel_threads_are_not() -> None:
    pids = [reading.pid for reading in ProcessCollector().read()]
    assert os.getpid() in pids
    assert pids == sorted(pids)
    assert 2 not in pids or psutil.Process(2).cmdline()


def test_kernel_threads_are_left_out(tmp_path: Path) -> None:
    write_files(tmp_path, process(2, process_stat(2, "kthreadd", flags=0x208040)))
    collector = ProcessCollector(tmp_path)
    assert collector.read() == ()
    assert collector.read() == ()


def test_hostile_names_are_read_and_cleaned(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        process(7, process_stat(7, b"a) R 1 (\x1b[2J\xff"), "\x1b]0;owned\x07\0\u202eevil\0"),
    )
    reading = only(ProcessCollector(tmp_path).read())
    assert reading.state == "S"
    for text in (reading.name, reading.command):
        assert text.isprintable()
        assert "\x1b" not in text


def test_a_huge_command_line_is_cut(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7), "app\0" + "x" * 1_500_000))
    reading = only(ProcessCollector(tmp_path).read())
    assert len(reading.command) == process_collector.MAX_COMMAND_LENGTH
    assert reading.command.endswith("…")


@pytest.mark.parametrize(
    "stat", [b"", b"garbage", b"7 (app", b"7 (app) S 1 2", b"7 (app) S " + b"x " * 50]
)
def test_a_malformed_stat_is_skipped(tmp_path: Path, stat: bytes) -> None:
    write_files(tmp_path, process(7, stat))
    assert ProcessCollector(tmp_path).read() == ()


def test_a_vanished_process_is_not_an_error(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7)))
    collector = ProcessCollector(tmp_path)
    assert len(collector.read()) == 1
    for path in sorted((tmp_path / "proc/7").iterdir()):
        path.unlink()
    assert collector.read() == ()
    assert collector.read(frozenset((7, 8)), only_watched=True) == ()


def test_without_proc_there_are_no_processes(tmp_path: Path) -> None:
    assert ProcessCollector(tmp_path).read() == ()


def test_an_unreadable_process_has_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, process(7, process_stat(7)))
    real = os.open

    def refuse(path: str, flags: int) -> int:
        if path.endswith("/7/stat"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    reading = only(ProcessCollector(tmp_path).read())
    assert (reading.name, reading.user, reading.cpu_s, reading.rss_bytes, reading.threads) == (
        NOT_PERMITTED,
        *(None,) * 4,
    )


def test_a_user_without_a_name_is_shown_by_number(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7), uid=4242))
    assert only(ProcessCollector(tmp_path).read()).user == "4242"


def test_a_watched_process_includes_its_control_group(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7)) | process(8, process_stat(8)))
    write_files(
        tmp_path,
        {
            "proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            "proc/7/cgroup": "0::/shop\n",
            "sys/fs/cgroup/shop/cpu.max": "50000 100000\n",
        },
    )
    watched, other = ProcessCollector(tmp_path).read(frozenset((7,)))
    assert watched.cgroup is not None
    assert watched.cgroup.cpu_limit_cores == 0.5
    assert other.cgroup is None


# ------------------------------------------------------------------------------------------ caching


def test_a_reused_pid_is_a_different_process(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7, started_ticks=1000), "/opt/old\0"))
    collector = ProcessCollector(tmp_path)
    old = only(collector.read())
    write_files(tmp_path, process(7, process_stat(7, started_ticks=2000), "/opt/new\0", uid=0))
    new = only(collector.read())
    assert old.identity != new.identity
    assert (new.command, new.user) == ("/opt/new", "root")


def test_a_process_that_execs_another_program_is_read_again(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7, "bash"), "bash\0"))
    collector = ProcessCollector(tmp_path)
    collector.read()
    write_files(tmp_path, process(7, process_stat(7, "app"), "/opt/app\0"))
    assert only(collector.read()).command == "/opt/app"


def test_a_new_title_is_noticed_within_some_reads(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7, "gunicorn"), "gunicorn: master [shop]\0"))
    collector = ProcessCollector(tmp_path)
    collector.read()
    write_files(tmp_path, {"proc/7/cmdline": "gunicorn: worker [shop]\0"})
    names = [only(collector.read()).name for _ in range(32)]
    assert names[-1] == "gunicorn: worker"


def test_an_unchanged_process_keeps_its_reading_and_a_changed_one_does_not(tmp_path: Path) -> None:
    write_files(tmp_path, process(7, process_stat(7), "app\0"))
    collector = ProcessCollector(tmp_path)
    collector.read()
    first, second = only(collector.read()), only(collector.read())
    assert first is second
    write_files(tmp_path, {"proc/7/stat": process_stat(7, user_ticks=250)})
    moved = only(collector.read())
    assert moved.cpu_s == 300 / os.sysconf("SC_CLK_TCK")
    write_files(tmp_path, {"proc/7/stat": process_stat(7)})
    watched = only(collector.read(frozenset((7,))))
    assert watched == first
    assert only(collector.read()) == first


def test_maps_are_read_once_and_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in range(10, 20):
        write_files(tmp_path, process(pid, process_stat(pid, "uwsgi"), "uwsgi\0"))
        write_files(
            tmp_path, {f"proc/{pid}/maps": "7f00-7f01 r-xp 0 0 0 /usr/lib/libpython3.12.so.1.0\n"}
        )
        (tmp_path / f"proc/{pid}/exe").symlink_to("/usr/bin/uwsgi")
    looked: list[str] = []
    real = kernel_files.read

    def count(path: str, limit: int = 1 << 20) -> bytes:
        if path.endswith("/maps"):
            looked.append(path)
        return real(path, limit)

    monkeypatch.setattr(kernel_files, "read", count)
    collector = ProcessCollector(tmp_path)
    counts = []
    for _ in range(5):
        readings = collector.read()
        counts.append(len(looked))
    assert counts == [4, 8, 10, 10, 10]
    assert {reading.python for reading in readings} == {"3.12"}


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_listening_ports_of_processes_are_known_once_requested(listening: int) -> None:
    collector = ProcessCollector()
    own = frozenset((os.getpid(),))
    assert only(collector.read(own, only_watched=True)).ports == ()
    collector.read(own, only_watched=True)
    assert listening in collector.read_sockets().ports_by_pid()[os.getpid()]
    assert listening in only(collector.read(own, only_watched=True)).ports


# -------------------------------------------------------------------------------- names and Pythons


@pytest.mark.parametrize(
    ("comm", "command", "name"),
    [
        ("gunicorn", "gunicorn: worker [shop:app]", "gunicorn: worker"),
        ("nginx", "nginx: master process /usr/sbin/nginx -g daemon on;", "nginx: master process"),
        ("nginx", "nginx: worker process", "nginx: worker process"),
        (
            "postgres",
            "postgres: checkout shop 10.0.0.7(4711) idle in transaction",
            "postgres: checkout",
        ),
        ("postgres", "postgres: checkout shop [local] SELECT", "postgres: checkout"),
        ("postgres", "postgres: background writer", "postgres: background writer"),
        ("sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd"),
        ("python", "python app.py", "app.py"),
        ("python3", "/usr/bin/python3.12 -u -X dev /srv/app.py --port 80", "app.py"),
        ("python", "python -m uvicorn app:app --port 80", "uvicorn app:app"),
        ("python", "python -Im uvicorn app:app", "uvicorn app:app"),
        ("python", "python -mhttp.server 8000", "http.server 8000"),
        ("python", "python -m rq redis://:hunter2@db/0", "rq"),  # names are recorded
        ("celery", "python /venv/bin/celery broker=amqp:hunter2", "celery"),
        ("python", "python -m tputtui --interval 1s", "tputtui"),
        ("uvicorn", "/venv/bin/python3 /venv/bin/uvicorn app:app", "uvicorn app:app"),
        ("celery", "/venv/bin/python /venv/bin/celery -A shop worker", "celery"),
        ("python", "python manage.py runserver", "manage.py runserver"),
        ("python", "python -c print(1)", "python -c"),
        ("python", "python -W ignore -c 1", "python -c"),
        ("python3", "python3", "python3"),
        ("python3", "python3 -", "python3"),
        ("python3", "python3 -m", "python3"),
        ("node", "node /srv/server.js", "node server.js"),
        ("node", "node --inspect /srv/server.js", "node"),
        ("java", "java -Xmx1g -jar /opt/shop.jar", "java shop.jar"),
        ("java", "java -jar", "java"),
        ("bash", "bash ./run.sh", "bash run.sh"),
        ("bash", "-bash", "bash"),
        ("bash", "bash /dev/fd/3", "bash"),
        ("prometheus-node", "/usr/bin/prometheus-node-exporter --web", "prometheus-node-exporter"),
        ("uv", "uv run python app.py", "uv"),
        ("envoy", "/usr/bin/envoy -c x", "envoy"),
        ("kworker/0:1", "", "kworker/0:1"),
        ("", "", "?"),
    ],
)
def test_a_process_has_a_name_a_person_would_use(comm: str, command: str, name: str) -> None:
    # A title overwrites the arguments as one string; other command lines keep their parts.
    is_title = ": " in command
    arguments = [] if not command else [command] if is_title else command.split(" ")
    assert readable_name(comm, arguments) == name


def test_a_title_over_the_first_argument_is_not_a_program() -> None:
    arguments = ["/usr/bin/celery-worker-beat --broker hunter2"]
    assert readable_name("celery-worker-b", arguments) == "celery-worker-beat"


@pytest.mark.parametrize(
    ("executable", "version"),
    [
        ("/usr/bin/python3.12", "3.12"),
        ("/root/.local/share/uv/python/cpython-3.13.1/bin/python3.13", "3.13"),
        ("/usr/bin/python3.13t", "3.13"),
        ("/usr/bin/python3.11 (deleted)", "3.11"),
        ("/usr/bin/python3", ""),
        ("/usr/bin/python", ""),
        ("/usr/local/bin/uv", None),
        ("/usr/bin/bash", None),
        ("/usr/bin/python3.12-config", None),
        ("/usr/bin/pythonista", None),
    ],
)
def test_the_executable_identifies_python_and_a_wrapper_is_not_python(
    executable: str, version: str | None
) -> None:
    assert executable_python_version(executable) == version


@pytest.mark.parametrize(
    ("maps", "version"),
    [
        (b"7f-80 r-xp 0 fd:1 1 /usr/lib/x86_64-linux-gnu/libpython3.12.so.1.0\n", "3.12"),
        (b"7f-80 r-xp 0 fd:1 1 /tmp/_MEI1/libpython3.11.so.1.0\n", "3.11"),
        (b"7f-80 r-xp 0 fd:1 1 /usr/lib/libpython3.so\n", ""),
        (b"7f-80 r-xp 0 fd:1 1 /usr/lib/libc.so.6\n", None),
    ],
)
def test_a_mapped_libpython_identifies_an_embedded_python(maps: bytes, version: str | None) -> None:
    assert mapped_python_version(maps) == version


def test_behind_a_shell_the_child_is_the_python_process() -> None:
    command = f"{sys.executable} -c 'print(1, flush=True); input()'; true"
    with subprocess.Popen(
        ["bash", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        shell.stdout.readline()
        (child,) = psutil.Process(shell.pid).children()
        collector = ProcessCollector()
        readings = {
            reading.pid: reading
            for reading in collector.read(frozenset((shell.pid, child.pid)), only_watched=True)
        }
        shell.stdin.close()
    assert readings[shell.pid].python is None
    assert readings[child.pid].python
