"""Comparison of a candidate with a baseline, and its certainty. Pure: values in, values out.

`metric_rows` and `comparison_context` are the input of a comparison, `result` its output, and
`statistics` decides (the only place that imports numpy and scipy). The package `report` presents
it. docs/compare.md describes the method and its sources. `guardrail` decides while a release is
being watched (`record --abort`): `guard_arm` and `sequential_test` are its parts.
"""
