"""The screen: the only package that imports Textual.

Textual reads its environment on import: what it must find there is set here, before that.
"""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
if os.environ.get("NO_COLOR"):
    os.environ["TEXTUAL_THEME"] = (
        "ansi-dark"  # with any other, Textual takes "no colour" for shades of grey
    )
elif "NO_COLOR" in os.environ:
    del os.environ["NO_COLOR"]  # empty means unset (no-color.org); Textual takes it for set
