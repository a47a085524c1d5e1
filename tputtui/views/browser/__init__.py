"""Metric browser: a target's families in, styled lines out."""
