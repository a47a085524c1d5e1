"""Widgets on Textual's line API: they repaint only the cells that changed."""
