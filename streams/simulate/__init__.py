"""A company that does not exist: its customers, purchases, surveys, follow-up and a few units that game their scores.

Pure generation: everything follows from a :class:`Plan` and its seed. No clock is read, so the same plan gives the same bytes.
"""

from streams.simulate.plan import Mix, Plan
from streams.simulate.simulation import Simulation, simulate

__all__ = ["Mix", "Plan", "Simulation", "simulate"]
