"""What a worker and the probe beside the workers export for Prometheus: declared, kept, served."""
