"""Tabs of the profile pane: a profile in, styled lines out."""
