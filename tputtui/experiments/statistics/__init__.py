"""The statistics of a comparison: the only place that imports numpy and scipy (the extra `compare`).

`compare.compare` is the way in. Nothing here is imported by the live screen.
"""
