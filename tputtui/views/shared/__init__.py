"""Building blocks that several views use: styled text, tables, the frame, the layout."""
