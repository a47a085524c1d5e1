"""Derive rates and quantiles from counters and buckets over a sliding window."""
