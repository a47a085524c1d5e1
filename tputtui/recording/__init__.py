"""Run files: record readings in one file and read them back. docs/run-format.md describes the file.

`recorder` records for an engine, `reader.Run` opens a file that is untrusted until checked. For
other packages:

* `read_table(path, service=None, start=None, end=None)`: each second's figures as columns (t, rps,
  err_ratio, p50, p90, p99, cpu) with the merged counts of the latency's buckets, the environment
  and the marks. `compare` reads it.
* `Run(path)`: header, marks, profiles, summary, and any span of the readings.

Nothing here draws, uses the network or knows the pipeline; `engine.replay.player` replays a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tputtui.recording.reader import NotARunError, Run
    from tputtui.recording.run_table import RunTable, read_table

__all__ = ["NotARunError", "Run", "RunTable", "read_table"]


def __getattr__(name: str) -> Any:
    if name in ("Run", "NotARunError"):
        from tputtui.recording import reader

        return getattr(reader, name)
    if name in ("RunTable", "read_table"):
        from tputtui.recording import run_table

        return getattr(run_table, name)
    raise AttributeError(name)
