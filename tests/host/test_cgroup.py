"""Control groups of machines and containers: v1, v2, hybrid, private namespaces, none."""

from __future__ import annotations

from pathlib import Path

from fake_proc import write_files

from tputtui.host.cgroup import CgroupReader
from tputtui.model import ProcessReference

V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {top} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)
V2_STAT = "usage_usec 900\nnr_periods 100\nnr_throttled 40\nthrottled_usec 2500000\n"
V1_STAT = "nr_periods 100\nnr_throttled 40\nthrottled_time 2500000000\n"


def v2(root: Path, path: str, files: dict[str, str]) -> Path:
    own = {
        "proc/self/mountinfo": V2_MOUNT,
        "proc/self/cgroup": f"0::{path}\n",
        "sys/fs/cgroup/cgroup.procs": "",
    }
    return write_files(
        root, own | {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    )


def v1(root: Path, path: str, top: str, files: dict[str, str]) -> Path:
    membership = f"5:memory:{path}\n4:cpu,cpuacct:{path}\n1:name=systemd:{path}\n"
    own = {"proc/self/mountinfo": V1_MOUNTS.format(top=top), "proc/self/cgroup": membership}
    return write_files(
        root, own | {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    )


def test_v2_limits_and_throttling(tmp_path: Path) -> None:
    v2(
        tmp_path,
        "/shop",
        {
            "shop/cpu.max": "150000 100000\n",
            "shop/cpu.stat": V2_STAT,
            "shop/memory.max": "1000000\n",
            "shop/memory.current": "900000\n",
            "shop/memory.stat": "anon 100000\ninactive_file 600000\n",
        },
    )
    group = CgroupReader(tmp_path).read(None)
    assert group is not None
    assert (group.path, group.version, group.cpu_limit_cores) == ("/shop", 2, 1.5)
    assert (group.periods, group.throttled_periods, group.throttled_s) == (100, 40, 2.5)
    assert group.memory_limit_bytes == 1_000_000
    assert group.memory_used_bytes == 300_000, "the page cache that is dropped first is no use"


def test_the_tightest_limit_of_the_ancestors_applies_with_its_throttling(tmp_path: Path) -> None:
    v2(
        tmp_path,
        "/slice/pod/app",
        {
            "slice/pod/app/cpu.max": "max 100000\n",
            "slice/pod/app/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
            "slice/pod/cpu.max": "50000 100000\n",
            "slice/pod/cpu.stat": V2_STAT,
            "slice/cpu.max": "400000 100000\n",
            "slice/pod/app/memory.max": "max\n",
            "slice/pod/app/memory.current": "5\n",
            "slice/memory.max": "2000\n",
            "slice/memory.current": "1500\n",
        },
    )
    group = CgroupReader(tmp_path).read(None)
    assert group is not None
    assert (group.cpu_limit_cores, group.throttled_periods) == (0.5, 40)
    assert (group.memory_limit_bytes, group.memory_used_bytes) == (2000, 1500)


def test_no_limit_is_none_and_usage_is_the_group_s_own(tmp_path: Path) -> None:
    files = {
        "a/cpu.max": "max 100000\n",
        "a/memory.max": "max\n",
        "a/memory.current": "77\n",
        "a/cpu.stat": "usage_usec 1\n",
    }
    group = CgroupReader(v2(tmp_path, "/a", files)).read(None)
    assert group is not None
    assert (group.cpu_limit_cores, group.memory_limit_bytes, group.memory_used_bytes) == (
        None,
        None,
        77,
    )
    assert (group.periods, group.throttled_periods, group.throttled_s) == (None, None, None)


def test_v1_limits_and_throttling(tmp_path: Path) -> None:
    v1(
        tmp_path,
        "/docker/4711",
        "/",
        {
            "cpu,cpuacct/docker/4711/cpu.cfs_quota_us": "200000\n",
            "cpu,cpuacct/docker/4711/cpu.cfs_period_us": "100000\n",
            "cpu,cpuacct/docker/4711/cpu.stat": V1_STAT,
            "memory/docker/4711/memory.limit_in_bytes": "1000\n",
            "memory/docker/4711/memory.usage_in_bytes": "900\n",
            "memory/docker/4711/memory.stat": "inactive_file 1\ntotal_inactive_file 500\n",
        },
    )
    group = CgroupReader(tmp_path).read(None)
    assert group is not None
    assert (group.path, group.version, group.cpu_limit_cores) == ("/docker/4711", 1, 2.0)
    assert (group.periods, group.throttled_periods, group.throttled_s) == (100, 40, 2.5)
    assert (group.memory_limit_bytes, group.memory_used_bytes) == (1000, 400)


def test_v1_without_limits(tmp_path: Path) -> None:
    v1(
        tmp_path,
        "/",
        "/",
        {
            "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    group = CgroupReader(tmp_path).read(None)
    assert group is not None
    assert (group.cpu_limit_cores, group.memory_limit_bytes) == (None, None)


def test_a_v1_container_with_only_its_own_part_mounted_is_read(tmp_path: Path) -> None:
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}
    group = CgroupReader(v1(tmp_path, "/docker/4711", "/docker/4711", files)).read(None)
    assert group is not None
    assert group.cpu_limit_cores == 0.5


def test_hybrid_reads_each_controller_where_it_is_bound(tmp_path: Path) -> None:
    v1(tmp_path, "/svc", "/", {"memory/svc/memory.limit_in_bytes": "1000\n"})
    write_files(
        tmp_path,
        {
            "proc/self/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            "proc/self/cgroup": "5:memory:/svc\n0::/svc\n",
            "sys/fs/cgroup/unified/svc/cpu.max": "300000 100000\n",
        },
    )
    group = CgroupReader(tmp_path).read(None)
    assert group is not None
    assert (group.cpu_limit_cores, group.memory_limit_bytes) == (3.0, 1000)


def test_a_private_namespace_starts_at_its_own_root(tmp_path: Path) -> None:
    group = CgroupReader(v2(tmp_path, "/", {"cpu.max": "25000 100000\n"})).read(None)
    assert group is not None
    assert group.cpu_limit_cores == 0.25


def test_a_process_outside_of_our_namespace_has_no_group(tmp_path: Path) -> None:
    v2(tmp_path, "/", {"cpu.max": "25000 100000\n"})
    write_files(tmp_path, {"proc/77/cgroup": "0::/../other\n"})
    assert CgroupReader(tmp_path).read(ProcessReference(77, 1.0)) is None


def test_malformed_files_are_no_limits(tmp_path: Path) -> None:
    files = {
        "a/cpu.max": "many 0\n",
        "a/cpu.stat": "nr_periods\nnonsense\nnr_throttled x\n",
        "a/memory.max": "\n",
        "a/memory.current": "-\n",
    }
    group = CgroupReader(v2(tmp_path, "/a", files)).read(None)
    assert group is not None
    assert (
        group.cpu_limit_cores,
        group.periods,
        group.memory_limit_bytes,
        group.memory_used_bytes,
    ) == (None,) * 4


def test_a_period_of_zero_is_no_limit(tmp_path: Path) -> None:
    group = CgroupReader(v2(tmp_path, "/a", {"a/cpu.max": "1000 0\n"})).read(None)
    assert group is not None
    assert group.cpu_limit_cores is None


def test_without_a_mount_there_is_no_group(tmp_path: Path) -> None:
    assert CgroupReader(tmp_path).read(None) is None
    write_files(
        tmp_path,
        {
            "proc/self/cgroup": "0::/a\n",
            "proc/self/mountinfo": "garbage\n31 23 0:28 / /x rw - ext4 a b\n",
        },
    )
    assert CgroupReader(tmp_path).read(None) is None


def test_a_reused_pid_is_looked_up_again(tmp_path: Path) -> None:
    v2(tmp_path, "/", {"a/cpu.max": "100000 100000\n", "b/cpu.max": "200000 100000\n"})
    reader = CgroupReader(tmp_path)
    limits: list[float | None] = []
    for started, path in ((1.0, "a"), (1.0, "b"), (2.0, "b")):
        write_files(tmp_path, {"proc/7/cgroup": f"0::/{path}\n"})
        group = reader.read(ProcessReference(7, started))
        limits.append(group.cpu_limit_cores if group else None)
    assert limits == [1.0, 1.0, 2.0], "the place is remembered for a process, and for no other"
    reader.clear_cache()
    write_files(tmp_path, {"proc/7/cgroup": "0::/a\n"})
    moved = reader.read(ProcessReference(7, 2.0))
    assert moved is not None
    assert moved.cpu_limit_cores == 1.0


def test_this_machine_s_group_is_read_without_harm() -> None:
    group = CgroupReader().read(None)
    assert group is None or group.version in (1, 2)
