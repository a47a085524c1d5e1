"""Report of an internal error: one sentence for the user, the traceback in a private file."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import traceback
from collections.abc import Mapping

from tputtui.descriptors import shortage
from tputtui.settings.state_paths import state_folder
from tputtui.text import clean
from tputtui.text.redaction import redact_text


def write_crash_report(error: BaseException, environ: Mapping[str, str] = os.environ) -> str:
    """Describe an internal error in one sentence and write its traceback to a private file.

    The traceback contains no values of variables. If the machine or a limit is exhausted, it is not
    an internal error, and the sentence names the remedy.
    """
    if short := shortage(error):
        return short
    description = clean(redact_text(f"{type(error).__name__}: {error}"), 200)
    text = redact_text("".join(traceback.format_exception(error)))
    for folder in (state_folder(environ), tempfile.gettempdir()):
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            prefix = time.strftime("tputtui-error-%Y%m%d-%H%M%S-")
            descriptor, path = tempfile.mkstemp(".log", prefix, folder)  # mode 0600
            with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return f"an error of tputtui itself: {description}; the traceback is in {clean(path)}"
    return f"an error of tputtui itself: {description}; no file could be written for the traceback"
