"""A comparison said to people and programs: text, markdown, JSON, and HTML of one file."""
