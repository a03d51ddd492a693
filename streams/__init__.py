"""What happens to events: a pure core, and the shell that feeds it."""
