"""`tputtui experiment new FILE`: a plan to fill in before anything is measured."""

from __future__ import annotations

from pathlib import Path

from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.terminal import tell
from tputtui.experiments.plan import TEMPLATE
from tputtui.text import clean


def run(arguments: Arguments) -> int:
    """Write the template."""
    path, shown = Path(arguments.options.file), clean(arguments.options.file)
    try:
        with path.open("w" if arguments.options.force else "x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise UsageError(f"{shown} exists: --force overwrites it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "that is no path"
        raise UsageError(f"{shown}: it cannot be written: {reason}") from None
    tell(f"{shown} is written: fill it in, then record with --experiment {shown} and compare with --experiment {shown}")
    return 0
