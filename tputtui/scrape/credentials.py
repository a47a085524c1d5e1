"""Secrets of a target: their sources, and protection against showing them by accident."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from typing import Literal

from tputtui.frozen import frozen
from tputtui.text import clean
from tputtui.text.redaction import learn

_MAX_FILE_BYTES = 64 * 1024


class SecretError(Exception):
    """The secret cannot be read; the text is a sentence that names its source, never its value."""


@frozen
class Secret:
    """Password, token or header value, or the file or variable from which it is read at every
    scrape.

    Neither `repr` nor `str` shows the value: only `reveal` returns it, and from then on it is
    redacted in every text. "public" is the value of a header that is no secret, such as a tenant.
    """

    source: Literal["text", "file", "environment", "public"]
    reference: str

    @classmethod
    def text(cls, value: str) -> Secret:
        """Secret with a known value."""
        return cls("text", value)

    @classmethod
    def file(cls, path: str) -> Secret:
        """Content of a file, without surrounding white space."""
        return cls("file", path)

    @classmethod
    def environment(cls, name: str) -> Secret:
        """Value of an environment variable."""
        return cls("environment", name)

    @classmethod
    def public(cls, value: str) -> Secret:
        """Value that may be shown."""
        return cls("public", value)

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the current value. Reads a file, so it may block. Raises SecretError."""
        if self.source == "file":
            value = _read_secret_file(self.reference)
        elif self.source == "environment":
            variable = os.environ.get(self.reference)
            if variable is None:
                raise SecretError(
                    f"the environment variable {clean(self.reference, 60)} is not set"
                )
            value = variable
        else:
            value = self.reference
        value = value.strip()
        if any(char < " " or char == "\x7f" for char in value):
            where = "" if self.source in ("text", "public") else f" in {clean(self.reference, 60)}"
            raise SecretError(f"the secret{where} has a control character in it")
        if self.source != "public":
            learn(value)
        return value


def learn_all(secrets: Iterable[Secret | None]) -> None:
    """Redact the values of secrets in every text from now on.

    Those that cannot be read are reported when they are needed.
    """
    for secret in secrets:
        if secret is not None:
            with contextlib.suppress(SecretError):
                secret.reveal()


def _read_secret_file(path: str) -> str:
    """Read a small regular file, with O_NONBLOCK, because a FIFO at the path would block."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SecretError(f"the secret file {clean(path, 120)} is not a regular file")
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno else "unreadable").lower()
        raise SecretError(f"cannot read the secret file {clean(path, 120)}: {reason}") from None
    if len(content) > _MAX_FILE_BYTES:
        raise SecretError(f"the secret file {clean(path, 120)} is larger than 64 KiB")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise SecretError(f"the secret file {clean(path, 120)} is not UTF-8 text") from None
