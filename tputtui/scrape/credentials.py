"""Secrets of a target: where each comes from, and nothing that shows one by accident."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from typing import Literal

from tputtui.frozen import frozen
from tputtui.text import clean
from tputtui.text.learned_secrets import learn

_MAX_FILE_BYTES = 64 * 1024


class SecretError(Exception):
    """A secret cannot be read; the text is a sentence that names its source, never its value."""


@frozen
class Secret:
    """A password, token or header value: itself, or the file or environment variable it is read from at every scrape.

    Neither `repr` nor `str` shows anything: a secret leaves this object by `reveal` only, and is hidden in every text
    from then on. "public" is a header's value that is no secret, such as a tenant.
    """

    source: Literal["text", "file", "environment", "public"]
    reference: str

    @classmethod
    def text(cls, value: str) -> Secret:
        """A secret that is known."""
        return cls("text", value)

    @classmethod
    def file(cls, path: str) -> Secret:
        """The content of a file, without the blank space around it."""
        return cls("file", path)

    @classmethod
    def environment(cls, name: str) -> Secret:
        """The value of an environment variable."""
        return cls("environment", name)

    @classmethod
    def public(cls, value: str) -> Secret:
        """A value that may be shown."""
        return cls("public", value)

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """The value as of now. Reads a file, so it may block. Raises SecretError."""
        if self.source == "file":
            value = _read_secret_file(self.reference)
        elif self.source == "environment":
            found = os.environ.get(self.reference)
            if found is None:
                raise SecretError(
                    f"the environment variable {clean(self.reference, 60)} is not set"
                )
            value = found
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
    """Hide the values of secrets in every text from now on; what cannot be read is reported when it is needed."""
    for secret in secrets:
        if secret is not None:
            with contextlib.suppress(SecretError):
                secret.reveal()


def _read_secret_file(path: str) -> str:
    """A small regular file; O_NONBLOCK, so that a FIFO planted at the path does not hold us."""
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
