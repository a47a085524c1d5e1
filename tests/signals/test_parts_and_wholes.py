"""Devices on devices, groups of groups: a byte is counted once."""

from __future__ import annotations

from collections.abc import Mapping

import corpus
import pytest

from tputtui.model import Bindings, Series
from tputtui.signals.classify.classifier import classify
from tputtui.signals.rates.series_index import compile_matches

RECEIVED = "node_network_receive_bytes_total"
READ = "node_disk_read_bytes_total"
CPU = '# TYPE node_cpu_seconds_total counter\nnode_cpu_seconds_total{cpu="0",mode="idle"} 5\n'


def exposition(name: str, devices: Mapping[str, float], label: str = "device") -> str:
    rows = "".join(f'{name}{{{label}="{device}"}} {value}\n' for device, value in devices.items())
    return f"# TYPE {name} counter\n{rows}{CPU}"


def counted(text: str, name: str, label: str = "device") -> set[str]:
    """Return the devices that are counted as the traffic of this name."""
    exposition = corpus.scan(text)
    bindings: Bindings = classify(exposition)
    bound = [item for item in (bindings.traffic, *bindings.signals) if item is not None]
    binding = next(item for item in bound if item.family == name)
    meets = compile_matches(binding.match)
    return {
        series.label(label) or ""
        for series in exposition.samples
        if series.name == name and meets(Series(series.name, series.labels))
    }


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("eth0 eth1 bond0 bond0.100 vmbr0 cni0 flannel.1 cali12345 lo", "eth0 eth1"),
        ("ens160 cni0 veth1a2b lo", "ens160"),
        ("enp3s0 wlp2s0 docker0 br-0123abc tailscale0 wg0 tun0 virbr0", "enp3s0 wlp2s0"),
        ("ens5 eni0123456789ab eni0123456789cd lo", "ens5"),
        ("em1 em2 team0 team0.7", "em1 em2"),
        ("bond0 bond0.100 br0 lo", "bond0"),
        ("eth0.100 lo", "eth0.100"),
        ("veth1 veth2 lo", "veth1 veth2"),
        ("wg0 lo docker0", "wg0"),
        ("eth0 lo", "eth0"),
        ("net0 public lo", "net0 public"),
    ],
)
def test_what_is_stacked_on_a_device_is_not_added_to_it(devices: str, expected: str) -> None:
    text = exposition(RECEIVED, dict.fromkeys(devices.split(), 1e6))
    assert counted(text, RECEIVED) == set(expected.split())


def test_a_single_device_of_any_kind_is_counted() -> None:
    for device in ("lo", "veth0", "bond0"):
        assert counted(exposition(RECEIVED, {device: 1e6}), RECEIVED) == {device}


def test_the_topology_of_the_exporter_decides_before_names() -> None:
    text = exposition(RECEIVED, {"uplink": 1e6, "office": 1e6})
    assert counted(text, RECEIVED) == {"uplink", "office"}
    for device, number, below in (("uplink", 2, 2), ("office", 3, 2)):
        text += f'node_network_iface_id{{device="{device}"}} {number}\n'
        text += f'node_network_iface_link{{device="{device}"}} {below}\n'
    assert counted(text, RECEIVED) == {"uplink"}


@pytest.mark.parametrize("devices", ["uplink office", "uplink office lo"])
def test_links_into_another_namespace_stack_nothing_here(devices: str) -> None:
    text = exposition(RECEIVED, dict.fromkeys(devices.split(), 1e6))
    for device, number, below in (("uplink", 2, 77), ("office", 3, 78)):
        text += f'node_network_iface_id{{device="{device}"}} {number}\n'
        text += f'node_network_iface_link{{device="{device}"}} {below}\n'
    assert counted(text, RECEIVED) == {"uplink", "office"}


def test_devices_that_name_each_other_are_all_counted() -> None:
    text = exposition(RECEIVED, {"uplink": 1e6, "office": 1e6})
    for device, number, below in (("uplink", 2, 3), ("office", 3, 2)):
        text += f'node_network_iface_id{{device="{device}"}} {number}\n'
        text += f'node_network_iface_link{{device="{device}"}} {below}\n'
    assert counted(text, RECEIVED) == {"uplink", "office"}


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("sda sdb md0 dm-0", "sda sdb"),
        ("nvme0n1 nvme0n1p1 nvme0n1p2 loop0 zram0", "nvme0n1"),
        ("xvda1 xvdb", "xvda1 xvdb"),
        ("vda vda1 vdb1", "vda vdb1"),
        ("md0 dm-0 sr0", "md0 dm-0"),
        ("mmcblk0 mmcblk0p1 mmcblk0boot0", "mmcblk0"),
    ],
)
def test_arrays_and_partitions_are_not_added_to_their_disks(devices: str, expected: str) -> None:
    text = exposition(READ, dict.fromkeys(devices.split(), 1e6))
    assert counted(text, READ) == set(expected.split())


def test_the_rule_holds_for_other_exporters_and_other_labels() -> None:
    name = "agent_net_bytes_received_total"
    text = exposition(name, {"eth0": 9e6, "veth0": 9e6, "lo": 9e6}, "interface")
    assert counted(text, name, "interface") == {"eth0"}


def test_a_label_of_a_service_that_looks_like_a_device_is_left_alone() -> None:
    name = "shop_http_requests_total"
    text = exposition(name, {"veth": 900, "mobile": 900, "docker": 90}, "device")
    assert counted(text, name) == {"veth", "mobile", "docker"}


def test_the_root_group_has_all_groups_in_it() -> None:
    name = "container_network_receive_bytes_total"
    rows = "".join(
        f'{name}{{id="{group}",interface="{device}"}} 1000\n'
        for group in ("/", "/kubepods/pod1", "/system.slice/ssh.service")
        for device in ("eth0", "cni0", "lo")
    )
    exposition = corpus.scan(f"# TYPE {name} counter\n{rows}")
    traffic = classify(exposition).traffic
    assert traffic is not None
    meets = compile_matches(traffic.match)
    kept = [series for series in exposition.samples if meets(series)]
    assert [(series.label("id"), series.label("interface")) for series in kept] == [("/", "eth0")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            {'id="/kubepods/pod1",container=""': 30, 'id="/kubepods/pod1/a",container="app"': 20,
             'id="/kubepods/pod1/b",container="POD"': 1},
            {"/kubepods/pod1/a"},
        ),
        (
            {'id="/system.slice"': 30, 'id="/system.slice/ssh.service"': 10, 'id="/user.slice"': 5},
            {"/system.slice", "/user.slice"},
        ),
        ({'id="/docker/1"': 30, 'id="/docker/2"': 30}, {"/docker/1", "/docker/2"}),
    ],
)  # fmt: skip
def test_a_group_is_not_added_to_those_in_it(rows: dict[str, int], expected: set[str]) -> None:
    name = "container_fs_reads_bytes_total"
    text = "".join(f"{name}{{{labels}}} {value}\n" for labels, value in rows.items())
    exposition = corpus.scan(f"# TYPE {name} counter\n{text}")
    traffic = classify(exposition).traffic
    assert traffic is not None
    meets = compile_matches(traffic.match)
    assert {series.label("id") for series in exposition.samples if meets(series)} == expected


def test_what_is_left_out_is_named() -> None:
    traffic = classify(corpus.scan(exposition(RECEIVED, {"eth0": 9e6, "bond0": 9e6}))).traffic
    assert traffic is not None
    assert traffic.reason.endswith(", without bond0")
