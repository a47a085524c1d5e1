"""Installation of the programs: Debian packages, a virtual environment, a folder of Node
modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from program import Program

HERE = Path(__file__).resolve().parent
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Tools:
    """Python interpreter of the virtual environment, and the folder of the Node modules."""

    python: Path
    node_modules: Path


def prepare(programs: Iterable[Program], folder: Path, *, install: bool) -> Tools:
    """Return the tools in the folder; install what the programs need where that is asked for."""
    tools = Tools(folder / "venv" / "bin" / "python", folder / "node" / "node_modules")
    needed = [package.split(":", 1) for program in programs for package in program.packages]
    managers = {manager for manager, _ in needed}
    if install:
        _install_debian(sorted({name for manager, name in needed if manager == "apt"}))
        # The backend of proxies needs no package: it runs on any Python.
        _install_python(tools.python, with_packages="pypi" in managers)
        if "npm" in managers:
            _install_node(tools.node_modules.parent)
    return tools


def versions(program: Program, tools: Tools) -> dict[str, str]:
    """Return the installed version of each package of the program."""
    found = {}
    for package in program.packages:
        manager, name = package.split(":", 1)
        found[name] = _version(manager, name, tools)
    return found


def _version(manager: str, name: str, tools: Tools) -> str:
    if manager == "npm":
        manifest = tools.node_modules / name / "package.json"
        return str(json.loads(manifest.read_text())["version"])
    if manager == "pypi":
        query = f"import importlib.metadata as m; print(m.version({name!r}))"
        return _output(str(tools.python), "-c", query)
    return _output("dpkg-query", "-W", "-f", "${Version}", name)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _install_debian(names: list[str]) -> None:
    """Install packages; their services are not started."""
    query = ("dpkg-query", "-W", "-f", "${db:Status-Status}")
    missing = [
        name
        for name in names
        if subprocess.run((*query, name), capture_output=True, check=False).stdout != b"installed"
    ]
    if not missing:
        return
    if os.geteuid() != 0:
        sys.exit(f"root is needed for: apt-get install {' '.join(missing)}")
    made_policy = not POLICY.exists()
    if made_policy:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(("nice", "apt-get", "update", "-qq"), check=True)
        command = ("nice", "apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    finally:
        if made_policy:
            POLICY.unlink()


def _install_python(python: Path, *, with_packages: bool) -> None:
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    if with_packages:
        requirements = str(HERE / "requirements.txt")
        command = ("nice", str(python), "-m", "pip", "install", "-q", "-r", requirements)
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _install_node(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_bytes((HERE / "package.json").read_bytes())
    command = ("nice", "npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save")
    subprocess.run(command, check=True, cwd=folder)
