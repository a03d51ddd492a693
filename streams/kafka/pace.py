"""How much a worker does at once, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done at once. Times in seconds."""

    flush_interval: float = 1.0
    flush_records: int = 50_000
    apply_records: int = 20_000
    """Records that are applied in one call, unless a single poll brought more; a flush waits for the call."""
    linger: float = 0.2
    """How long small polls wait for company: each call of a stage has a cost of its own."""
    inbox_records: int = 80_000
    inbox_bytes: int = 96 * 1_048_576
    revoke_patience: float = 10.0
    """How long a rebalance waits for the last flush; what is not committed then is read again by the next owner."""
    reopen_delay: float = 1.0
    """Wait before a lost partition is opened again: who lost it to another worker hears of it within a heartbeat."""
    idle: float = 10.0
    """An input that got nothing for so long, and has nothing more to read, rests; so often it is looked."""
    reject_ratio: float = 0.5
    reject_minimum: int = 1_000
