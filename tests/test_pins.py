"""The pins: hashes for all, no addresses, one version a package in both files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "constraints"
FILES = sorted(FOLDER.glob("*.txt"))
_PIN = re.compile(r"^([a-z0-9.-]+)==([^ ]+)((?: ; [^\\]+)?)", re.MULTILINE)


def pins(path: Path) -> dict[tuple[str, str], str]:
    """Return the versions by (package, environment marker)."""
    return {
        (name, marker.strip()): version for name, version, marker in _PIN.findall(path.read_text())
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_has_its_hashes_and_no_address(path: Path) -> None:
    blocks = re.split(r"\n(?=\S)", path.read_text().strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in path.read_text()


def test_both_files_agree() -> None:
    run, dev = pins(FOLDER / "run.txt"), pins(FOLDER / "dev.txt")
    assert run.keys() <= dev.keys()
    assert {name: dev[name] for name in run} == run


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("with_uv", [True, False])
def test_make_demo_on_a_fresh_checkout_writes_the_json_and_nothing_else_to_stdout(
    tmp_path: Path, with_uv: bool
) -> None:
    """The tools that create the environment are stand-ins that print more than the real ones."""
    for name in ("Makefile", "pyproject.toml", "constraints/dev.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    tool = tmp_path / "tools" / "maker"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\necho noise\nmkdir -p .venv/bin\ncp tools/maker .venv/bin/python\n"
        "printf '#!/bin/sh\\necho {}\\n' >.venv/bin/tputtui\nchmod +x .venv/bin/tputtui\n"
    )
    tool.chmod(0o755)
    # A make that runs the tests is inherited, and children would print their folder.
    alone = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    done = subprocess.run(
        ["make", "demo", f"UV={tool if with_uv else ''}", f"PYTHON={tool}"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60, env=alone,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "{}\n"), done.stderr


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no repository, only its files")
def test_the_pins_have_one_home_and_the_environment_none() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"uv.lock", ".venv"} & {name.partition("/")[0] for name in listed}
