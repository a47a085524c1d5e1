"""Panels of the live screen: a frame in, styled lines out."""
