"""Is the candidate better than the baseline, and how sure is that? Pure: values in, values out.

`rows` and `context` are what a comparison is given, `outcome` is what it says, `statistics` decides (the only place
that imports numpy and scipy), `report` says it to people and programs. docs/compare.md describes the method and its
sources. `guardrail` decides while a release is being watched (`record --abort`): `arm` and `contest` are its parts.
"""
