"""Config file on disk: its location, whether it may be trusted, and its text.

The program never writes it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from tputtui.cli import user_files
from tputtui.frozen import frozen
from tputtui.settings.config_reader import ConfigFile, ConfigProblem, SettingsError, parse_config
from tputtui.settings.validators import Validators
from tputtui.text import clean

_MAX_BYTES = 1024 * 1024
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_SECRET_HEADERS = ("authorization", "cookie", "x-api-key", "proxy-authorization")


@frozen
class ConfigLocation:
    """Path of the config file and the source of that path."""

    path: str
    origin: str  # "--config", "TPUTTUI_CONFIG", "default"

    @property
    def must_exist(self) -> bool:
        """Return whether the path was given explicitly, so that a missing file is an error."""
        return self.origin != "default"


def config_location(flag: str | None, environ: Mapping[str, str]) -> ConfigLocation | None:
    """Locate the config file: the flag's, the variable's, or the one in $XDG_CONFIG_HOME.

    The current folder is never searched. None if there is no home, or if /dev/null was named.
    Raises SettingsError if the named path cannot be made absolute.
    """
    for named, origin in ((flag, "--config"), (environ.get("TPUTTUI_CONFIG"), "TPUTTUI_CONFIG")):
        if named == os.devnull:
            return None
        if named:
            try:
                return ConfigLocation(os.path.abspath(_expand_home(named, environ)), origin)
            except OSError:
                raise SettingsError(
                    [ConfigProblem(clean(named), f"the folder that {origin} starts from is gone")]
                ) from None
    folder = environ.get("XDG_CONFIG_HOME", "")
    if not folder.startswith("/"):  # the specification requires relative paths to be ignored
        home = environ.get("HOME", "")
        if not home.startswith("/"):
            return None
        folder = str(Path(home) / ".config")
    return ConfigLocation(str(Path(folder) / "tputtui" / "config.toml"), "default")


def load_config(
    location: ConfigLocation | None, environ: Mapping[str, str], validators: Validators
) -> tuple[ConfigFile | None, tuple[str, ...]]:
    """Read the config file, with warnings about secrets readable by other users.

    None if there is no file. Raises SettingsError with all problems.
    """
    if location is None:
        return None, ()
    content, status = _read_trusted(location)
    if content is None or status is None:
        return None, ()
    config = parse_config(
        _decode(content, location.path), location.path, validators, environ.get("HOME")
    )
    return config, tuple(_secret_warnings(config, status))


def _expand_home(path: str, environ: Mapping[str, str]) -> str:
    home = environ.get("HOME")
    return str(Path(home) / path[2:]) if path.startswith("~/") and home else path


def _read_trusted(location: ConfigLocation) -> tuple[bytes | None, os.stat_result | None]:
    """Read the bytes of a regular file that no other user can have written."""
    shown = clean(location.path)
    try:
        content, status = user_files.read(location.path, _MAX_BYTES)
    except user_files.MissingFileError as error:
        if not location.must_exist:
            return None, None
        raise SettingsError(
            [ConfigProblem(shown, f"{error} ({location.origin} names it)")]
        ) from None
    except user_files.UnreadableFileError as error:
        raise SettingsError([ConfigProblem(shown, str(error))]) from None
    if refusal := _refusal_reason(status):
        raise SettingsError([ConfigProblem(shown, refusal)])
    return content, status


def _refusal_reason(status: os.stat_result) -> str:
    """Explain why a file is not trusted; "" if it is.

    A user who can write it could redirect the program, and its credentials, anywhere.
    """
    if status.st_uid not in (0, os.geteuid()):
        return (
            f"it belongs to another user (uid {status.st_uid}): "
            f"copy it, or chown it to uid {os.geteuid()}"
        )
    if status.st_mode & stat.S_IWOTH:
        return "everybody may write to it: chmod o-w it"
    return ""


def _decode(content: bytes, path: str) -> str:
    shown = clean(path)
    for mark, name in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            text = f"it starts with a byte order mark ({name}): save it as UTF-8 without one"
            raise SettingsError([ConfigProblem(shown, text, line=1)])
    nul = content.find(b"\0")
    if nul >= 0:
        raise SettingsError(
            [
                ConfigProblem(
                    shown, "a NUL byte stands in it: it is no text", line=_line_number(content, nul)
                )
            ]
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        text = f"byte 0x{content[error.start]:02x} is not UTF-8 (Latin-1?): save it as UTF-8"
        raise SettingsError(
            [ConfigProblem(shown, text, line=_line_number(content, error.start))]
        ) from None


def _line_number(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1


def _secret_warnings(config: ConfigFile, status: os.stat_result) -> list[str]:
    """Return a warning for each secret file that other users can read."""
    warnings: list[str] = []
    for target in config.values.get("targets", ()):
        inline = "@" in target.url or any(
            name.lower() in _SECRET_HEADERS for name in target.headers
        )
        if inline and status.st_mode & 0o077:
            warnings.append(
                f"{config.file} holds a secret and others can read it: "
                "chmod 600 it, or use token_file"
            )
        for path in (target.password_file, target.token_file, target.key_file):
            try:
                is_open = path is not None and os.stat(path).st_mode & 0o077
            except (OSError, ValueError):
                continue  # the endpoint reports it whenever it needs the file
            if is_open:
                warnings.append(
                    f"{clean(str(path), 200)} holds a secret and others can read it: chmod 600 it"
                )
    return list(dict.fromkeys(warnings))
