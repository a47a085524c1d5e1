"""The terminal driver, the diff writer and the watchdog: all use of Textual's private names."""
