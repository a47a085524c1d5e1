"""Prometheus-compatible servers (Prometheus, Thanos, Mimir, VictoriaMetrics) as a source of numbers.

`api` asks one thing at a time, `look` finds what the server knows of which jobs, `promql` writes the questions so that
the server adds up, `server` does all of it again and again: a few queries a tick, however many series there are.
"""
