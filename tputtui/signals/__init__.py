"""Interpretation of metrics: rates, quantiles, classification, saturation.

Pure: no clock, no file, no network.
"""
