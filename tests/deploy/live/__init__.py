"""Faults on the stack that runs: real workers, broker, engine, Prometheus and Alertmanager; alerts must arrive, and runbooks must work."""
