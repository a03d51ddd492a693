"""What is forgotten, and when: only what no event can ask for any more, so that it changes no number, whenever it happens.

Rules compare times themselves: an identity counts as known, a response as open to change, a purchase as one that can be joined, by times
of events alone. What is here merely frees memory, some time after the rules have let go.
"""

import numpy as np

from schemas.enums import Topic
from streams.core.accounts import last_score
from streams.core.accounts.state import DAY, NEVER, AccountsState, Horizons, chain_responses, identities_name
from streams.core.batch import Int64s
from streams.core.signals import ASK_DAYS, LATE_DAYS, REGRET_DAYS
from streams.core.state_table import StateTable

_PARTS, _PARTS_OF_DAYS = 10, 6
"""A table is cut once one of so many parts of it can go. Of rows that live for days alone so many go each day that one cut by tenths would be moved
all the time."""


def forget(state: AccountsState, horizons: Horizons) -> None:
    """Frees what is past the horizons, counted from the newest ``occurred_at`` of the topics."""
    feedback, transactions = (state.watermarks.get(topic, NEVER) for topic in (Topic.FEEDBACK, Topic.TRANSACTIONS))
    # The topics are read side by side, and one may be far ahead: what is to be joined stays until the other has come so far.
    both = min(feedback, transactions) - horizons.dedupe
    joined = both - horizons.join
    # Where no transaction has been seen yet, they may still come; but not for ever.
    waiting = both if transactions != NEVER else feedback - horizons.revision
    _forget_before(state, state.responses, state.responses.given_at, min(feedback - horizons.revision, waiting - horizons.named_ahead))
    _forget_before(state, state.transactions, state.transactions.occurred_at, joined)
    _forget_before(state, state.refunds, state.refunds.occurred_at, joined)
    _forget_before(state, state.loyalty, state.loyalty.day.astype(np.int64) * DAY, feedback - horizons.cells)
    # Either may be far behind or not have come yet, but is not waited for for ever.
    invitations = state.watermarks.get(Topic.INVITATIONS, NEVER)
    asked = max(min(transactions, invitations), max(transactions, invitations) - horizons.revision)
    # It was seen on a local day, which begins a day and a half before the instant at most.
    _forget_before(state, state.asked_purchases, state.asked_purchases.seen_at(), asked - (ASK_DAYS + LATE_DAYS + 2) * DAY, _PARTS_OF_DAYS)
    answered = max(min(transactions, feedback), max(transactions, feedback) - horizons.revision)
    _forget_before(state, state.praised_purchases, state.praised_purchases.seen_at, answered - (REGRET_DAYS + LATE_DAYS) * DAY, _PARTS_OF_DAYS)
    for topic, watermark in state.watermarks.items():
        state.forgotten[identities_name(topic)] = (watermark - horizons.dedupe, state.sequence)
        state.identities[topic].forget(watermark - horizons.dedupe)


def _forget_before(state: AccountsState, table: StateTable, times: Int64s, before: int, parts: int = _PARTS) -> None:
    """Forgets rows in one go once one of so many ``parts`` of the table can go, since the others have to be moved."""
    old = times[: table.count] < before
    if np.count_nonzero(old) * parts <= table.count:
        return
    # A cell is forgotten only once the sink has its newest values.
    log = next(log for log in state.logs if log.table is table)
    old[table.changed()] = False
    if table is state.loyalty:
        old &= state.loyalty.sequence[: table.count] <= state.acknowledged
    if table is state.responses:
        _settle(state, np.flatnonzero(old))
    state.forgotten[table.NAME] = (before, state.sequence)
    table.keep(~old)
    log.recount()
    if table is state.responses:
        chain_responses(state)
    if table in (state.responses, state.refunds):
        state.await_again()


def _settle(state: AccountsState, responses: Int64s) -> None:
    """Of responses that are about to be forgotten keeps what can still be asked for: that they were, and the last score of their accounts."""
    last_score.settle(state, responses)
    state.settled.claim(state.responses.keys[responses], state.responses.given_at[responses])
