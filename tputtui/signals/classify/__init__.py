"""Decide which metric of an exposition feeds which signal, and why."""
