"""What the accounts stage tells the units stage: records of the signals topic.

A record of a unit, keyed by its ``unit_id``, holds what one flush of one source partition changed there. A record of the fleet goes to every
partition, so that each knows what the whole fleet does and how far every source partition has come. Signals are written in the transaction
of the flush, and so are read exactly once: numbers are differences, and answers are absolute (the newest of a key counts).

Records are MessagePack arrays, a format of Candor's own: the topic is internal and may change with a release.
"""

from enum import IntFlag

import msgspec

LATE_DAYS = 7
"""An answer is evidence if its ``occurred_at`` is at most so many days behind the newest feedback of its partition."""

REVISION_DAYS = 3
"""An answer that is changed or withdrawn later than so many local days after its own stays the evidence that it was."""
CLOSING_DAYS = LATE_DAYS + REVISION_DAYS + 1
"""Once all have come so many days past a day nothing in time can be missing; local days may have 23 hours, so one more than the sum."""
IDLE_DAYS = 7
"""A partition that is idle holds up no judgement, but no day is closed for good as long as its clock is at most so many days behind the newest."""
REGRET_DAYS = 30
"""Praise is regretted if the purchase that it names is given back so soon after it."""
ASK_DAYS = 7
"""So many days after a transaction its customer must have been reached by an invitation to count as asked."""


class Sign(IntFlag):
    """What is known of an answer."""

    COUNTED = 1
    """It counts; without this bit the answer was taken out again."""
    TOP_BOX = 2
    STAFF = 4
    """The contact is one of staff."""
    BEGGED = 8
    """The comment says that a score was asked for."""
    ASKED = 16
    """The customer says that a score was asked for."""
    ASKED_OR_NOT = 32
    """The customer answered whether a score was asked for."""
    STRAIGHT = 64
    """The same answer to at least four questions."""


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """A response as detectors look at it. Hashes are 64 bits; 0 stands for one that is not known."""

    key: int
    """Identity of the revision: a hash of account, response id and revision."""
    revision: int
    signs: int
    """Bits of ``Sign``."""
    occurred_at: int
    """Microseconds since 1970."""
    day: int
    """Local date, in days since 1970-01-01."""
    metric: int
    """Index in ``Metric``."""
    channel: int
    """Index in ``Channel``."""
    account: int
    device: int
    contact: int
    comment: int
    """Fingerprint of the comment."""
    form: int
    """Hash of survey and channel, whose durations can be compared."""
    duration: int
    """Milliseconds; -1: not known."""
    account_id: str
    response_id: str


class Flow(msgspec.Struct, array_like=True, frozen=True):
    """Differences of a unit's numbers on one local day: of the day on which the transaction, or the invitation, occurred."""

    day: int
    invitations: int
    transactions: int
    asked: int
    """Transactions without trouble whose customer was reached by an invitation."""
    risky: int
    """Transactions with trouble; the others are the rest of ``transactions``."""
    risky_unasked: int
    """Those of them whose customer was not reached."""
    drawn_transactions: int
    """The same of those transactions alone whose customers were drawn to be asked."""
    drawn_asked: int
    drawn_risky: int
    drawn_risky_unasked: int


class UnitSignals(msgspec.Struct, array_like=True, frozen=True, tag="unit"):
    """What changed at a unit."""

    unit_id: str
    answers: list[Answer]
    flows: list[Flow]


class Stratum(msgspec.Struct, array_like=True, frozen=True):
    """Differences of the answers of one peer group, metric and channel on one local day."""

    day: int
    group: int
    """Hash of the peer group's name."""
    metric: int
    channel: int
    answers: int
    top_box: int


class Pace(msgspec.Struct, array_like=True, frozen=True):
    """Differences of how long forms took on one local day."""

    day: int
    form: int
    bin: int
    """See ``duration_bin``."""
    answers: int


class PlanDay(msgspec.Struct, array_like=True, frozen=True):
    """Differences of the answers of all units of an incentive plan on one local day."""

    plan: int
    """Hash of the plan's id."""
    day: int
    answers: int
    top_box: int
    newest: int
    """The greatest ``occurred_at`` among its submissions that were accepted, in microseconds since 1970; 0 where there is none."""


class PraiseDay(msgspec.Struct, array_like=True, frozen=True):
    """Differences of the answers of one local day that name a purchase."""

    day: int
    praised: int
    """Top scores."""
    regretted: int
    """Those of them whose purchase was given back within ``REGRET_DAYS``."""
    others: int
    """Other scores."""
    others_regretted: int


class FleetSignals(msgspec.Struct, array_like=True, frozen=True, tag="fleet"):
    """How far a source partition has come, and what changed in the whole fleet with it."""

    partition: int
    clock: int | None
    """The local day that all its topics have reached; what is older than the tolerated lateness before it is marked late. None: more follows."""
    caught_up: bool
    """There was nothing more to read: the partition holds nobody up."""
    new_units: list[tuple[int, int]]
    """Hash and first day of each unit of which something is told."""
    strata: list[Stratum]
    paces: list[Pace]
    plans: list[PlanDay]
    praise: list[PraiseDay]


Signals = UnitSignals | FleetSignals
MOST_ANSWERS = 1_000
"""Of a record: with the longest names, of characters of four bytes, it takes little more than a megabyte."""
MOST_NUMBERS = 10_000
"""Of each kind in a record of the fleet: below a megabyte."""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Signals)
BINS_A_DOUBLING = 8


def encode(signals: Signals) -> bytes:
    """The value of a record."""
    return _ENCODER.encode(signals)


def decode(value: bytes) -> Signals:
    """What a value says; raises ``msgspec.DecodeError``, which is a bug: nobody but Candor writes the topic."""
    signals: Signals = _DECODER.decode(value)
    return signals


def duration_bin(milliseconds: int) -> int:
    """Durations in eighths of a doubling, so that percentiles are known to 9 %; below a millisecond as one."""
    whole = max(milliseconds, 1).bit_length() - 1
    return whole * BINS_A_DOUBLING + (max(milliseconds, 1) * BINS_A_DOUBLING >> whole) - BINS_A_DOUBLING
