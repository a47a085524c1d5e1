"""Numbers in files of the kernel: found by position, or missing with a reason, each on its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_proc import copy_proc_files, write_files

from tputtui.host.kernel_files import MetricFiles
from tputtui.model import host_metrics
from tputtui.model.host_metrics import HostMetric, KernelNumber


def read(root: Path) -> tuple[dict[str, float], dict[str, str]]:
    return MetricFiles(str(root)).read()


def test_the_run_queue_counts_runnable_tasks(tmp_path: Path) -> None:
    values, reasons = read(copy_proc_files(tmp_path))
    assert values["run_queue"] == 3
    assert reasons == {}


def test_file_descriptors_with_and_without_a_limit(tmp_path: Path) -> None:
    values, _ = read(copy_proc_files(tmp_path))
    assert (values["fds_used"], values["fds_limit"]) == (385, 2466174)
    write_files(tmp_path, {"proc/sys/fs/file-nr": f"385\t0\t{2**63 - 1}\n"})
    values, reasons = read(tmp_path)
    assert values["fds_used"] == 385
    assert "fds_limit" not in values
    assert reasons == {}


@pytest.mark.parametrize(
    ("path", "names", "reason_name"),
    [
        ("proc/loadavg", {"run_queue"}, "run queue"),
        ("proc/sys/fs/file-nr", {"fds_used", "fds_limit"}, "file descriptors"),
        ("proc/net/netstat", {"listen_drops"}, "listen drops"),
    ],
)
@pytest.mark.parametrize("content", [None, "", "x y z\n", b"\xff\xfe", "nan nan nan nan\n"])
def test_a_missing_or_malformed_file_affects_only_its_metric(
    tmp_path: Path, path: str, names: set[str], reason_name: str, content: str | bytes | None
) -> None:
    copy_proc_files(tmp_path)
    everything, _ = read(tmp_path)
    (tmp_path / path).unlink()
    if content is not None:
        write_files(tmp_path, {path: content})
    values, reasons = read(tmp_path)
    assert set(values) == set(everything) - names
    assert list(reasons) == [reason_name]
    assert f"/{path}" in reasons[reason_name]


def test_a_limit_that_cannot_be_read_leaves_the_metric_unknown(tmp_path: Path) -> None:
    write_files(copy_proc_files(tmp_path), {"proc/sys/fs/file-nr": "385\t0\n"})
    values, reasons = read(tmp_path)
    assert "fds_used" not in values
    assert reasons == {"file descriptors": "cannot make sense of /proc/sys/fs/file-nr"}


@pytest.mark.parametrize(
    ("line", "word", "expected"), [("oom_kill", 1, 3), ("oom", 1, None), ("pgfault", 1, 12.5)]
)
def test_a_number_is_found_by_the_full_first_word_of_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, word: int, expected: float | None
) -> None:
    metric = HostMetric("kills", "kills", KernelNumber("/proc/vmstat", word=word, line=line))
    monkeypatch.setattr(host_metrics, "HOST_METRICS", (metric,))
    write_files(tmp_path, {"proc/vmstat": "oom_kills 9\noom_kill 3\n\npgfault 12.5\n"})
    values, reasons = read(tmp_path)
    assert values.get("kills") == expected
    assert ("kills" in reasons) is (expected is None)


@pytest.mark.parametrize(("column", "expected"), [("B", 2), ("A", 1), ("C", None), ("Ext", None)])
def test_a_number_is_found_in_the_column_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: str, expected: float | None
) -> None:
    metric = HostMetric("b", "b", KernelNumber("/proc/net/netstat", word=column, line="Ext:"))
    monkeypatch.setattr(host_metrics, "HOST_METRICS", (metric,))
    write_files(tmp_path, {"proc/net/netstat": "IpExt: B\nIpExt: 7\nExt: A B\nExt: 1 2\n"})
    values, reasons = read(tmp_path)
    assert values.get("b") == expected
    assert ("b" in reasons) is (expected is None)
