"""What is shipped to run beside Candor."""
