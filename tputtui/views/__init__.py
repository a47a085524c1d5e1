"""What each panel shows: snapshot in, lines of text with roles out. Formatted, cleaned, comparable; no screen, no clock."""
