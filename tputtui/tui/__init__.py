"""The screen: Textual lives here and nowhere below.

Textual reads its environment when it is imported, so what it must find there is put there before that.
"""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
if os.environ.get("NO_COLOR"):
    os.environ["TEXTUAL_THEME"] = (
        "ansi-dark"  # with any other, Textual takes "no colour" for shades of grey
    )
elif "NO_COLOR" in os.environ:
    del os.environ["NO_COLOR"]  # empty means unset (no-color.org); Textual takes it for set
