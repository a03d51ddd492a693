"""The whole path at work on one machine: a broker, workers, an embedded ClickHouse and a company that does not exist."""

from streams.demo.run import Demo, run_demo

__all__ = ["Demo", "run_demo"]
