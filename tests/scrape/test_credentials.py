"""Secrets hide their values, and report why they cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tputtui.scrape.credentials import Secret, SecretError
from tputtui.text import clean


def test_a_secret_hides_its_value() -> None:
    for secret in (Secret.text("canary"), Secret.file("/canary"), Secret.environment("canary")):
        assert repr(secret) == str(secret) == f"{secret}" == "***"
        assert "canary" not in repr({"headers": [secret]})


def test_the_end_of_line_of_a_secret_file_is_not_part_of_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  s3cret\r\n")
    assert Secret.file(str(file)).reveal() == "s3cret"


def test_a_secret_file_that_is_not_a_small_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "lines").write_text("a\r\nX-Forged: b")
    os.mkfifo(tmp_path / "fifo")
    for name, reason in {
        "big": "larger than 64 KiB",
        "binary": "not UTF-8",
        "fifo": "not a regular file",
        "lines": "control character",
        ".": "regular file|directory",
        "gone": "no such file",
    }.items():
        with pytest.raises(SecretError, match=reason):
            Secret.file(str(tmp_path / name)).reveal()


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(SecretError, match="TPUTTUI_NO_SUCH is not set"):
        Secret.environment("TPUTTUI_NO_SUCH").reveal()


def test_a_revealed_secret_is_redacted_from_then_on_and_a_public_value_is_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    for renewed in ("Vq81-first-token", "Vq82-second-token"):
        file.write_text(f"{renewed}\n")
        Secret.file(str(file)).reveal()
    Secret.public("Vq83-the-tenant").reveal()
    assert clean("Vq81-first-token Vq82-second-token Vq83-the-tenant") == "*** *** Vq83-the-tenant"
