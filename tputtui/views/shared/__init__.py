"""Shared parts of the views: styled text, tables, the frame, the layout."""
