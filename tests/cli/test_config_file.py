"""The config file on disk: permissions, ownership, and errors for invalid files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tputtui.cli import config_file
from tputtui.cli.config_file import ConfigLocation
from tputtui.settings.config_reader import SettingsError, Validators


def load(path: Path, origin: str = "--config") -> tuple[object, tuple[str, ...]]:
    return config_file.load_config(ConfigLocation(str(path), origin), {}, Validators())


def refusal(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    with pytest.raises(SettingsError) as caught:
        load(path)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_the_flag_overrides_the_variable_and_the_variable_the_default() -> None:
    environ = {"TPUTTUI_CONFIG": "/v.toml", "XDG_CONFIG_HOME": "/x", "HOME": "/home/me"}
    assert config_file.config_location("/f.toml", environ) == ConfigLocation("/f.toml", "--config")
    assert config_file.config_location(None, environ) == ConfigLocation("/v.toml", "TPUTTUI_CONFIG")
    del environ["TPUTTUI_CONFIG"]
    assert config_file.config_location(None, environ) == ConfigLocation(
        "/x/tputtui/config.toml", "default"
    )
    environ["XDG_CONFIG_HOME"] = "relative"
    assert config_file.config_location(None, environ) == ConfigLocation(
        "/home/me/.config/tputtui/config.toml", "default"
    )


def test_without_a_home_there_is_no_default_and_the_current_folder_is_never_used() -> None:
    assert config_file.config_location(None, {}) is None
    assert config_file.config_location(None, {"HOME": ""}) is None


def test_dev_null_means_none() -> None:
    assert config_file.config_location(os.devnull, {"HOME": "/home/me"}) is None


def test_a_missing_default_file_is_fine_and_a_missing_named_file_is_an_error(path: Path) -> None:
    assert load(path, "default") == (None, ())
    assert "no such file (--config names it)" in refusal(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbfinterval = 1", ":1: it starts with a byte order mark (UTF-8)"),
        ("interval = 1".encode("utf-16"), ":1: it starts with a byte order mark (UTF-16)"),
        (b"interval = 1\ntheme = '\xfc'", ":2: byte 0xfc is not UTF-8 (Latin-1?)"),
        (b"interval = 1\n\n\0", ":3: a NUL byte"),
        (b"#" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_content_that_is_not_text_is_reported_with_its_line(
    path: Path, content: bytes, expected: str
) -> None:
    assert expected in refusal(path, content)


def test_an_empty_file_sets_nothing(path: Path) -> None:
    path.write_bytes(b"")
    config, warnings = load(path)
    assert config is not None
    assert warnings == ()


def test_a_folder_and_a_fifo_are_one_line_errors_without_waiting(
    path: Path, tmp_path: Path
) -> None:
    assert "is a folder" in refusal(tmp_path)
    os.mkfifo(path)
    assert "not a plain file" in refusal(path)


def test_a_world_writable_file_is_refused(path: Path) -> None:
    path.write_text("interval = 1")
    path.chmod(0o666)
    assert "chmod o-w" in refusal(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(path: Path) -> None:
    path.write_text("interval = 1")
    os.chown(path, 12345, -1)
    assert "belongs to another user (uid 12345)" in refusal(path)


def test_secrets_that_others_can_read_cause_a_warning(path: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("geheim")
    token.chmod(0o644)
    path.write_text(
        '[[targets]]\nurl = "http://me:geheim@h:1"\n[[targets]]\nurl = ":2"\ntoken_file = "token"'
    )
    path.chmod(0o644)
    _, warnings = load(path)
    assert [warning.partition(" holds")[0] for warning in warnings] == [str(path), str(token)]
    assert "geheim" not in "".join(warnings)
    path.chmod(0o600)
    token.chmod(0o600)
    assert load(path)[1] == ()
