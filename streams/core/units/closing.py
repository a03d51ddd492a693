"""Days that are over for good: what they leave behind, and what is forgotten with them."""

import numpy as np

from streams.core.signals import Sign
from streams.core.units.fleet import close_fleet_days
from streams.core.units.judging import OpenDays, own_keys
from streams.core.units.state import FLOW_DAYS, UnitsState


def close_days(state: UnitsState, days: OpenDays, closed: int) -> None:
    """Closes the days up to ``closed``, which have been judged; ``UnitsState.forget`` may be called after it."""
    _close_own_strata(state, days, closed)
    close_fleet_days(state, closed)
    state.closed = closed
    flows, units = state.flows, state.units
    rows = np.flatnonzero(flows.day[: flows.count] <= closed - FLOW_DAYS)
    np.add.at(units.invitations, flows.unit[rows], flows.invitations[rows])
    np.add.at(units.transactions, flows.unit[rows], flows.transactions[rows])
    units.touch(flows.unit[rows])


def _close_own_strata(state: UnitsState, days: OpenDays, closed: int) -> None:
    table, own = state.answers, state.own_strata
    rows = days.rows[(table.day[days.rows] > state.closed) & (table.day[days.rows] <= closed)]
    if not len(rows):
        return
    unit, metric, channel = table.unit[rows], table.metric[rows], table.channel[rows]
    found, _ = own.find_or_append(own_keys(unit, state.units.group[unit], metric, channel))
    own.unit[found], own.metric[found], own.channel[found] = unit, metric, channel
    np.add.at(own.n, found, 1)
    np.add.at(own.top_box, found, (table.signs[rows] & Sign.TOP_BOX != 0).astype(np.int64))
    own.touch(found)
