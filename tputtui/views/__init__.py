"""Views: a snapshot in, lines of text with roles out.

The text is formatted, cleaned and comparable; views use neither the screen nor the clock.
"""
