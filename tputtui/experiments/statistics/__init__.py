"""Statistics of a comparison: the only place that imports numpy and scipy (the extra `compare`).

`comparison.compare` is the entry point. The live screen imports nothing of this package.
"""
