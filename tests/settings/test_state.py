"""Where what we keep goes."""

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
def test_one_folder_whoever_asks_and_never_one_below_where_we_run(
    environ: dict[str, str], where: str
) -> None:
    assert state_folder(environ) == Path(where)
