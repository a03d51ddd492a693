"""Daily partial sums of counted responses."""

import numpy as np

from schemas.enums import Metric
from schemas.events import SCALES, TOP_TWO
from streams.core.accounts.state import AccountsState
from streams.core.batch import Bools, Floats, Int64s
from streams.core.hash_index import spread

NPS = list(Metric).index(Metric.NPS)
TOP = np.array([SCALES[metric][1] for metric in Metric])
"""Greatest mapped score, by metric."""
LEAST_OF_TOP_TWO = np.array([TOP_TWO[metric] for metric in Metric])
"""Least mapped score of the top two boxes, by metric."""
PROMOTER, PASSIVE = 9.0, 7.0
_SCORE_UNIT = 1e9


def count(state: AccountsState, responses: Int64s, sign: int) -> None:
    """Adds responses to their cells (``sign`` 1) or takes them out (-1); ``responses`` are rows of the registry, which may not repeat."""
    registry, cells = state.responses, state.loyalty
    rows = _cells(state, responses)
    score = registry.score[responses]
    nps = registry.metric[responses] == NPS
    promoter, passive = nps & (score >= PROMOTER), nps & (score >= PASSIVE) & (score < PROMOTER)
    _add(cells.n, rows, np.ones(len(rows), np.bool_), sign)
    _add(cells.promoters, rows, promoter, sign)
    _add(cells.passives, rows, passive, sign)
    _add(cells.detractors, rows, nps & ~promoter & ~passive, sign)
    _add(cells.top_box, rows, score == TOP[registry.metric[responses]], sign)
    _add(cells.top_two_box, rows, score >= LEAST_OF_TOP_TWO[registry.metric[responses]], sign)
    np.add.at(cells.score_sum, rows, sign * _billionths(score))
    np.add.at(cells.score_sum_squares, rows, sign * _billionths(score * score))
    np.add.at(cells.revenue, rows, sign * registry.revenue[responses])


def add_revenue(state: AccountsState, responses: Int64s, amounts: Int64s) -> None:
    """Adds the revenue of a purchase that became known to the cells of responses that were counted without it."""
    np.add.at(state.loyalty.revenue, _cells(state, responses), amounts)


def _cells(state: AccountsState, responses: Int64s) -> Int64s:
    """Returns the cell of each response, opened where there is none, as changed."""
    registry, cells = state.responses, state.loyalty
    day, unit = registry.day[responses], registry.unit[responses]
    channel, metric = registry.channel[responses], registry.metric[responses]
    # Days take 18 bits (1900 to 2299, counted from before 1900), channels 4 and metrics 2: the key is unique, not a hash.
    packed = ((day.astype(np.int64) + 30_000) << 46) | (channel.astype(np.int64) << 42) | (metric.astype(np.int64) << 40) | unit
    rows, opened = cells.find_or_append(spread(packed))
    if len(opened):
        cells.day[rows], cells.unit[rows], cells.channel[rows], cells.metric[rows] = day, unit, channel, metric
        cells.generation[opened] = state.sequence + 1
    cells.touch(rows)
    return rows


def _add(column: Int64s, rows: Int64s, chosen: Bools, sign: int) -> None:
    np.add.at(column, rows[chosen], sign)


def _billionths(values: Floats) -> Int64s:
    return np.rint(values * _SCORE_UNIT).astype(np.int64)
