"""Series that count the same thing twice: devices on devices, containers in their groups.

A frame that comes in over a bond with a VLAN and a bridge is counted by each of them, and so is a
block that is read from a RAID array. One layer is kept, the lowest that is there: what is stacked
on it repeats it. Topology that the exporter gives decides, then the names that systems give to
devices. A layer is left out by its names alone, not by values, so that replicas have equal
bindings.
"""

from __future__ import annotations

import re

from tputtui.model import Match
from tputtui.signals.classify.metric_catalog import CatalogMetric

DEVICE_LABELS = ("device", "interface", "iface", "ifname", "ifName", "nic", "dev", "disk", "volume")
"""Labels whose values are names of network interfaces or of block devices."""

# Layers from the lowest to the highest. A name that none of them knows is a physical device.
_BONDS = r"bond\d*|bond-.*|team\d*|lagg\d+|ae\d+"
_STACKED_LINKS = (
    r".*\.\d+|.*@.*|vlan.*|(vm|vir|lxd|lxc|ovs|c|k)?br[\d-].*|bridge\d*|ovs-.*|macvlan.*|"
    r"macvtap.*|ipvlan.*|ppp\d+|vEthernet.*|Hyper-V Virtual.*"
)
_TUNNELS = (
    r"(tun|wg|gre|gretap|sit|tunl|ip6tnl|ip6gre|ip_vti|ip6_vti|vxlan|geneve|erspan|zt|utun|gif|stf)"
    r"[\w.-]*|tailscale\d*|isatap.*|Teredo.*"
)
_CONTAINER_LINKS = (
    r"(veth|cali|lxc|tap|vnet|cni|flannel|cilium|weave|podman|docker|kube|nerdctl|azv|fwbr|fwpr|"
    r"fwln|dummy|ifb|nodelocaldns)[\w.-]*|eni[0-9a-f]{8,}"
)
_LOOPBACKS = r"lo\d*|Loopback.*"
_NETWORK_LAYERS = (_BONDS, _STACKED_LINKS, _TUNNELS, _CONTAINER_LINKS, _LOOPBACKS)

_ARRAYS = r"md\d+.*|md_.*|dm-\d+|drbd\d+|bcache\d+|zd\d+|mapper/.*|.*-lv.*"
_PARTITIONS = r"(sd|hd|vd|xvd)[a-z]+\d+|(nvme\d+n\d+|mmcblk\d+|nbd\d+|loop\d+)p\d+"
_NO_DISKS = r"(loop|ram|zram|sr|fd)\d+|nvme\d+c\d+n\d+|mmcblk\d+boot\d+"

_NETWORK_WORDS = frozenset(
    ("network", "net", "interface", "nic", "netdev", "ethernet", "bandwidth")
)
_DISK_WORDS = frozenset(("disk", "disks", "diskio", "blkio", "block", "fs", "filesystem", "io"))
_CONTAINER_WORDS = frozenset(("container", "containers", "cgroup", "pod", "kubepods"))
_MAX_NAMED = 64  # devices or groups that are named one by one in a condition


def exclusions(metric: CatalogMetric) -> tuple[Match, ...]:
    """Return conditions under which no series of a metric repeats others of it."""
    return (*_device_matches(metric), *_group_matches(metric))


def excluded_devices(metric: CatalogMetric) -> tuple[str, ...]:
    """Return the names of existing devices that `exclusions` leaves out."""
    for match in _device_matches(metric):
        pattern = re.compile(match.value)
        return tuple(sorted(filter(pattern.fullmatch, metric.labels[match.label])))
    return ()


def _device_matches(metric: CatalogMetric) -> list[Match]:
    """Leave out the devices above the lowest layer that is there."""
    layers = _layers(metric)
    label = next((name for name in DEVICE_LABELS if name in metric.labels), None)
    if not layers or label is None or len(metric.labels[label]) < 2:
        return []
    patterns = [re.compile(layer) for layer in layers]
    present = [
        pattern.pattern for pattern in patterns if any(map(pattern.fullmatch, metric.labels[label]))
    ]
    plain = {
        device
        for device in metric.labels[label]
        if not any(pattern.fullmatch(device) for pattern in patterns)
    }
    named: list[str] = []
    above = layers
    if plain - metric.stacked_devices:
        named = sorted(plain & metric.stacked_devices)[:_MAX_NAMED]
    elif not plain:  # no physical device: the lowest layer takes its place
        above = layers[layers.index(present[0]) + 1 :]
    left_out = "|".join([*above, *map(re.escape, named)])
    return [Match(label, "!~", left_out)] if left_out else []


def _layers(metric: CatalogMetric) -> tuple[str, ...]:
    """Return the layers that the devices of a metric may have; () if it has no devices."""
    words = set(metric.name_words)
    if words & _NETWORK_WORDS:
        return _NETWORK_LAYERS
    if not words & _DISK_WORDS:
        return ()
    label = next((name for name in DEVICE_LABELS if name in metric.labels), "")
    return (_ARRAYS, *_partition_layer(metric.labels.get(label, set())), _NO_DISKS)


def _partition_layer(devices: set[str]) -> list[str]:
    """Return the layer of partitions; a partition whose disk is not listed stands for the disk."""
    partitions = {device for device in devices if re.fullmatch(_PARTITIONS, device)}
    listed = {device for device in partitions if _disk_of(device) in devices}
    if listed == partitions:
        return [_PARTITIONS]
    return ["|".join(map(re.escape, sorted(listed)))] if listed else []


def _disk_of(partition: str) -> str:
    """Return the disk of a partition: sda of sda1, nvme0n1 of nvme0n1p2."""
    disk = partition.rstrip("0123456789")
    return disk.removesuffix("p") if disk[:-1][-1:].isdigit() else disk


def _group_matches(metric: CatalogMetric) -> list[Match]:
    """Keep one level of control groups: the root, or else the containers and not their pods."""
    groups = metric.labels.get("id", set())
    if not groups or not set(metric.name_words) & _CONTAINER_WORDS:
        return []
    if "/" in groups:
        return [Match("id", "=", "/")]
    if metric.labels.get("container", set()) - {"", "POD"}:
        return [Match("container", "!~", "(POD)?")]
    nested = sorted(
        group
        for group in groups
        if any(group != outer and group.startswith(f"{outer}/") for outer in groups)
    )
    if not nested:
        return []
    return [Match("id", "!~", "|".join(map(re.escape, nested[:_MAX_NAMED])))]
