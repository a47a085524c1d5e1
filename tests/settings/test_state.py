"""The folder for state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tputtui.settings.state_paths import state_folder


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/tputtui"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/tputtui"),
        ({"HOME": "/h"}, "/h/.local/state/tputtui"),
    ],
)
def test_there_is_one_state_folder_and_never_one_below_the_current_folder(
    environ: dict[str, str], where: str
) -> None:
    assert state_folder(environ) == Path(where)
