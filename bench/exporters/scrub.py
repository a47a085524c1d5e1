"""Removal of what a capture would tell about the machine it was made on."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from pathlib import Path

MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
IPV4 = re.compile(r"\b(?:10|172|192|169|100)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
# Labels whose value is the machine's own name or build, whatever it is.
OWN_LABELS = re.compile(r'\b(nodename|hostname|machine|release|kernel_version)="[^"]*"')
OWN_FAMILIES = re.compile(
    r"^(?:# (?:HELP|TYPE) )?node_(?:dmi_info|os_info|network_info|uname_info)\b.*\n", re.MULTILINE
)


class RevealsTheMachineError(Exception):
    """A scrubbed capture still has a word of this machine."""


def scrub(text: str, folder: Path) -> str:
    """Replace names, addresses and paths of this machine. Raises: RevealsTheMachineError."""
    text = OWN_FAMILIES.sub("", text)
    services = Path(__file__).resolve().parent / "services"
    for path in (folder, services):
        text = text.replace(str(path), "/srv/example")
    for word, substitute in _own_words().items():
        text = re.sub(rf"\b{re.escape(word)}\b", substitute, text)
    text = MAC.sub("02:00:00:00:00:01", text)
    text = IPV4.sub("192.0.2.1", text)
    text = OWN_LABELS.sub(lambda match: f'{match[1]}="example"', text)
    for word in ("/work", "/root", "/home/", tempfile.gettempdir() + "/"):
        if word in text:
            line = next(line for line in text.splitlines() if word in line)
            raise RevealsTheMachineError(f"{word} in: {line}")
    return text


def _own_words() -> dict[str, str]:
    machine_id = Path("/etc/machine-id")
    words = {socket.gethostname(): "example", socket.getfqdn(): "example"}
    words[os.uname().release] = "6.1.0"
    if machine_id.exists():
        words[machine_id.read_text().strip()] = "0" * 32
    words.pop("localhost", None)
    return {word: substitute for word, substitute in words.items() if word}
