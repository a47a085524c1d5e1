"""Group targets into replicas of one service, and name the services."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import Binding, Bindings


def group_replicas(trackers: Iterable[TargetTracker]) -> list[list[TargetTracker]]:
    """Group the targets by service, in order: replicas have equal bindings and an equal
    identity.
    """
    groups: dict[tuple[object, ...], list[TargetTracker]] = {}
    for tracker in trackers:
        identity = tracker.identity
        bound = _bound_families(tracker.bindings)
        key: tuple[object, ...] = (
            (identity, bound) if identity is not None else (tracker.target.name,)
        )
        groups.setdefault(key, []).append(tracker)
    return list(groups.values())


def choose_service_name(
    members: Sequence[TargetTracker], target_names: Collection[str], used_names: Collection[str]
) -> str:
    """Choose a service's name: from the config, its replicas' own name, or its target's name.

    A name that is another target's, or another service's, is replaced by the target's own.
    """
    first = members[0]
    own = first.target.name
    word = first.target.service or (first.service_name if len(members) > 1 else None)
    usable = (
        word is not None and (word == own or word not in target_names) and word not in used_names
    )
    name = word if word is not None and usable else own
    while name in used_names:
        name += "'"
    return name


def _bound_families(bindings: Bindings | None) -> tuple[object, ...]:
    """Families that two targets must share to be replicas: the same ones for the same signals."""
    if bindings is None:
        return ()

    def of(binding: Binding | None) -> object:
        return None if binding is None else (binding.signal, binding.family, binding.label)

    return (of(bindings.traffic), of(bindings.errors), of(bindings.latency))
