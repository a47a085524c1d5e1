"""Statistics in pure Python, one copy for profiles, baselines, headroom and experiments.

What needs numpy and scipy is in `experiments.statistics`.
"""
