"""What is exported for Prometheus."""
