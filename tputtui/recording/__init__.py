"""Run files: record readings in one file and read them back. docs/run-format.md describes the file.

`recorder` records for an engine, `reader.Run` opens a file that is untrusted until checked. For
other rooms:

* `run_table.read_table(path, service=None, start=None, end=None)`: each second's figures as columns
  (t, rps, err_ratio, p50, p90, p99, cpu) with the merged counts of the latency's buckets, the
  environment and the marks. `compare` reads it.
* `reader.Run(path)`: header, marks, profiles, summary, and any span of the readings.

Nothing here draws, uses the network or knows the pipeline; `engine.replay.player` replays a run.
"""
