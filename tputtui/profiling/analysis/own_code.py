"""Packages of the user's own code: from the process while it runs, from the profile afterwards.

Sources in a process are its command line, its console script and its installed packages'
direct_url.json. Only names of packages and modules are kept; they are stored in the profile
(`ProfileMetadata.own`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tputtui.profiling.analysis.code_origin import script_name, site_packages_folder
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.capture import entry_point, process_facts
from tputtui.profiling.profile_model import Profile

_MAX_PARENTS = 6  # levels of a worker's ancestors that are searched
_MAX_SCRIPT_BYTES = 8192
_MAX_RECORD_BYTES = 1 << 18
_MAX_FOLDERS = 4  # site-packages folders of one process
_MAX_DISTRIBUTIONS = 5000  # installed packages that are scanned
# more than this, and more than half of all: a wheelhouse, not the user's own code
_MAX_OWN_ARCHIVES = 3
_PYTHON = re.compile(r"(?:python|pypy|uwsgi)")


def process_packages(pid: int, root: Path = process_facts.PROC) -> tuple[str, ...]:
    """Return the packages that a process was started to run; empty if none are named."""
    for _ in range(_MAX_PARENTS):
        facts = process_facts.read_facts(pid, root)
        if facts is None or not _is_python(pid, root):
            return ()
        entry = entry_point.parse_command_line(_read_arguments(pid, root))
        names = entry.packages + (
            _packages_from_script(pid, entry.script_path, root) if entry.script_path else ()
        )
        if names or not entry.is_child:
            return tuple(dict.fromkeys(names))[: entry_point.MAX_NAMES]
        pid = facts.parent_pid
    return ()


def local_packages(folder: str, pid: int, root: Path = process_facts.PROC) -> tuple[str, ...]:
    """Return the packages in a site-packages folder that were installed from a path or repository.

    They have a direct_url.json (PEP 610). A few archives given by path are own code; if most
    packages are such archives, they come from a wheelhouse.
    """
    local: list[str] = []
    archives: list[list[str]] = []
    count = 0
    for info in _distributions(_local_path(pid, folder, root)):
        count += 1
        kind = _install_source(info)
        if kind:
            names = list(_top_level_packages(info))
            if kind == "archive":
                archives.append(names)
            else:
                local += names
    if len(archives) <= _MAX_OWN_ARCHIVES or 2 * len(archives) < count:
        local += [name for names in archives for name in names]
    return entry_point.own_packages(local)


class InstalledPackages:
    """Own code among the packages that a sampled process uses.

    Each site-packages folder is read once, when a frame in it is first seen.
    """

    def __init__(self, pid: int, root: Path = process_facts.PROC) -> None:
        self._pid, self._root = pid, root
        self._scanned_functions = 0  # functions of the profile's table that were scanned
        self._folders: set[str] = set()

    def with_own_packages(self, profile: Profile) -> Profile:
        """Return the profile with the own packages of folders not seen before."""
        names = profile.metadata.own
        funcs = profile.frames.funcs
        for func in funcs[self._scanned_functions :]:
            folder = site_packages_folder(func.file)
            if folder and folder not in self._folders and len(self._folders) < _MAX_FOLDERS:
                self._folders.add(folder)
                names += local_packages(folder, self._pid, self._root)
        self._scanned_functions = len(funcs)
        if names == profile.metadata.own:
            return profile
        names = tuple(dict.fromkeys(names))[: entry_point.MAX_NAMES]
        return replace(profile, metadata=replace(profile.metadata, own=names))


def profile_packages(profile: Profile) -> tuple[str, ...]:
    """Return the own packages recorded at the profile's capture, else those of its frames."""
    about = profile.metadata
    if about.own:
        return about.own
    return tuple(
        dict.fromkeys(
            (*entry_point.packages_from_label(about.name), *_packages_from_frames(profile))
        )
    )


def profile_table(profile: Profile, table: CategoryTable) -> CategoryTable:
    """Return the category table for a profile: the user's, with the profile's own packages."""
    names = frozenset(profile_packages(profile))
    return (
        table
        if names <= table.own_packages
        else replace(table, own_packages=table.own_packages | names)
    )


def _packages_from_frames(profile: Profile) -> Iterator[str]:
    """Find the packages that ran as ``-m PACKAGE`` or were started by console scripts."""
    frames = profile.frames
    scripts: dict[int, str] = {}
    with_functions = {
        func.file for func in frames.funcs if func.name != "<module>" and script_name(func.file)
    }
    for at, func in enumerate(frames.funcs):
        if func.name != "<module>":
            continue
        if func.file.endswith("/__main__.py"):
            yield from entry_point.packages_from_frames([func.file])
        name = script_name(func.file)
        if not name or entry_point.launcher_package(name):
            continue
        if func.file in with_functions:
            yield name
        else:
            scripts[at] = name
    if scripts:
        yield from _packages_below_scripts(profile, scripts)


def _packages_below_scripts(profile: Profile, scripts: dict[int, str]) -> Iterator[str]:
    """Find the packages that stand below console scripts."""
    owner = profile.frames.frame_func_ids()
    files = [func.file for func in profile.frames.funcs]
    visited: set[tuple[int, ...]] = set()
    for part in profile.slices:
        for counts in part.wall.values():
            for stack in counts:
                outer = tuple(owner[frame] for frame in stack[:6])
                if outer and outer[0] in scripts and outer not in visited:
                    visited.add(outer)
                    yield from entry_point.packages_from_frames(files[func] for func in outer[1:])


def _is_python(pid: int, root: Path) -> bool:
    path = process_facts.executable_path(pid, root)
    return path is not None and _PYTHON.match(os.path.basename(path)) is not None


def _read_arguments(pid: int, root: Path) -> list[str]:
    try:
        raw = (root / str(pid) / "cmdline").read_bytes()[:65536].decode("utf-8", "replace")
    except OSError:
        return []
    return [argument for argument in raw.split("\0") if argument]


def _packages_from_script(pid: int, path: str, root: Path) -> tuple[str, ...]:
    """Read a console script as the process sees it."""
    where = _local_path(pid, path, root)
    try:
        with where.open("rb") as file:
            text = file.read(_MAX_SCRIPT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return entry_point.packages_from_script(text, script_name(path))


def _local_path(pid: int, path: str, root: Path) -> Path:
    """Return where we can open a path of the process: below its root or working directory."""
    base = root / str(pid)
    return base / "root" / path.lstrip("/") if path.startswith("/") else base / "cwd" / path


def _distributions(site_packages: Path) -> Iterator[Path]:
    try:
        names = sorted(name for name in os.listdir(site_packages) if name.endswith(".dist-info"))
    except OSError:
        return
    for name in names[:_MAX_DISTRIBUTIONS]:
        yield site_packages / name


def _install_source(dist_info: Path) -> str:
    """Return the install source of a package: "folder", "repository", "archive", or "" for others.

    The files of an editable install lie outside of site-packages and are own code anyway.
    """
    try:
        direct_url = json.loads((dist_info / "direct_url.json").read_bytes()[:65536])
    except (OSError, ValueError, RecursionError):
        return ""
    if not isinstance(direct_url, dict):
        return ""
    if isinstance(direct_url.get("dir_info"), dict):
        return "" if direct_url["dir_info"].get("editable") is True else "folder"
    if isinstance(direct_url.get("vcs_info"), dict):
        return "repository"
    return "archive" if isinstance(direct_url.get("archive_info"), dict) else ""


def _top_level_packages(dist_info: Path) -> Iterator[str]:
    """Yield the top-level packages of an installed distribution."""
    try:
        with (dist_info / "RECORD").open("rb") as file:
            lines = file.read(_MAX_RECORD_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    visited: set[str] = set()
    for line in lines:
        top = line.partition(",")[0].strip('"').partition("/")[0]
        name = top.removesuffix(".py")
        if "." not in name and name not in ("", "__pycache__") and name not in visited:
            visited.add(name)
            yield name
