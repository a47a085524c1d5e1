"""`python -m tputtui`: the same as the command, without modules of the current folder."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the folder we were called from: an httpx.py in it is not ours

from tputtui.cli import main

sys.exit(main())
