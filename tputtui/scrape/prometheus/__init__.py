"""Prometheus-compatible servers (Prometheus, Thanos, Mimir, VictoriaMetrics) as a source.

`api` sends one request at a time, `job_discovery` finds the jobs and their raw series, `queries`
writes PromQL so that the server aggregates, and `server` repeats it all: a few queries a tick,
however many series there are.
"""
