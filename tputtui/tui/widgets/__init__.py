"""Widgets on Textual's line API: they get finished lines and repaint only the cells that changed."""
