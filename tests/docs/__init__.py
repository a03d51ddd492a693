"""The documentation: its site, and that what it shows can be typed."""
