"""Reports of a comparison: text, Markdown, JSON, and a single HTML file."""
