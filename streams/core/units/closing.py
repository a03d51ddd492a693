"""Days that are over for good: what they leave behind, and what is forgotten with them."""

import numpy as np

from streams.core.units.fleet import close_fleet_days
from streams.core.units.state import FLOW_DAYS, UnitsState


def close_days(state: UnitsState, closed: int) -> None:
    """Closes the days up to ``closed``, which have been judged; ``UnitsState.forget`` may be called after it."""
    close_fleet_days(state, closed)
    state.closed = closed
    flows, units = state.flows, state.units
    rows = np.flatnonzero(flows.day[: flows.count] <= closed - FLOW_DAYS)
    np.add.at(units.invitations, flows.unit[rows], flows.invitations[rows])
    np.add.at(units.transactions, flows.unit[rows], flows.transactions[rows])
    units.touch(flows.unit[rows])
