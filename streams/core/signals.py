"""What the accounts stage tells the units stage: records of the signals topic.

A record of a unit, keyed by its ``unit_id``, holds what one flush of one source partition changed there. A record of the fleet goes to every
partition, so that each knows what the whole fleet does and how far every source partition has come. Signals are written in the transaction
of the flush, and so are read exactly once: numbers are differences, and answers are absolute (the newest of a key counts).

Records are MessagePack arrays that hold columns as blocks of bytes, a format of Candor's own: the topic is internal and may change with a release.
"""

from enum import IntFlag

import msgspec
import numpy as np

from streams.core.batch import Int64s
from streams.core.hashing import UInt64s
from streams.core.packed_columns import Packed, PackedColumns
from streams.core.state_table import Strings

LATE_DAYS = 7
"""An answer is evidence if its ``occurred_at`` is at most so many days behind the newest feedback of its partition."""

REVISION_DAYS = 3
"""An answer that is changed or withdrawn later than so many local days after its own stays the evidence that it was."""
CLOSING_DAYS = LATE_DAYS + REVISION_DAYS + 1
"""Once all have come so many days past a day nothing in time can be missing; local days may have 23 hours, so one more than the sum."""
IDLE_DAYS = 7
"""A partition that is idle holds up no judgement, but no day is closed for good as long as its clock is at most so many days behind."""
NOT_YET = -(2**31)
"""Before all days: the clock of a partition that has read nothing of a topic of which there may be more."""
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
    TOP_TWO_BOX = 128
    """The score is among those that gaming is after: nps 9 and 10; csat and rating from 4; ces from 6."""


class Answers(PackedColumns):
    """Responses as detectors look at them. Hashes are 64 bits; 0 stands for one that is not known."""

    key: UInt64s
    """Identity of the revision: a hash of account, response id and revision."""
    revision: Int64s
    signs: Int64s
    """Bits of ``Sign``."""
    occurred_at: Int64s
    """Microseconds since 1970."""
    day: Int64s
    """Local date, in days since 1970-01-01."""
    metric: Int64s
    """Index in ``Metric``."""
    channel: Int64s
    """Index in ``Channel``."""
    account: UInt64s
    device: UInt64s
    contact: UInt64s
    comment: UInt64s
    """Fingerprint of the comment."""
    form: UInt64s
    """Hash of survey and channel, whose durations can be compared."""
    duration: Int64s
    """Milliseconds; -1: not known."""
    account_id: Strings
    response_id: Strings


class Flows(PackedColumns):
    """Differences of a unit's numbers, by local day: of the day on which the transaction, or the invitation, occurred."""

    day: Int64s
    invitations: Int64s
    transactions: Int64s
    asked: Int64s
    """Transactions without trouble whose customer was reached by an invitation."""
    risky: Int64s
    """Transactions with trouble; the others are the rest of ``transactions``."""
    risky_unasked: Int64s
    """Those of them whose customer was not reached."""
    drawn_transactions: Int64s
    """The same of those transactions alone whose customers were drawn to be asked."""
    drawn_asked: Int64s
    drawn_risky: Int64s
    drawn_risky_unasked: Int64s
    quarantined: Int64s
    """Of those that were drawn: left out by quarantine, and not reached otherwise."""
    risky_quarantined: Int64s
    """Those of them with trouble."""


class UnitSignals(msgspec.Struct, array_like=True, frozen=True, tag="unit"):
    """What changed at a unit."""

    unit_id: str
    answers: Answers
    flows: Flows


class NewUnits(PackedColumns):
    """Units of which something is told, and the first day of it."""

    unit: UInt64s
    """Hash of the unit's id."""
    first_day: Int64s


class Strata(PackedColumns):
    """Differences of the answers of peer groups, by local day, metric and channel."""

    day: Int64s
    group: UInt64s
    """Hash of the peer group's name."""
    metric: Int64s
    channel: Int64s
    answers: Int64s
    top_box: Int64s


class Paces(PackedColumns):
    """Differences of how long forms took, by local day."""

    day: Int64s
    form: UInt64s
    bin: Int64s
    """See ``duration_bins``; ``STRAIGHT_BIN`` counts, beside that, those with the same answer throughout."""
    answers: Int64s


class PlanDays(PackedColumns):
    """Differences of the answers of all units of an incentive plan, by local day."""

    plan: UInt64s
    """Hash of the plan's id."""
    day: Int64s
    answers: Int64s
    top_box: Int64s
    newest: Int64s
    """The greatest ``occurred_at`` among its submissions that were accepted, in microseconds since 1970; 0 where there is none."""


class PraiseDays(PackedColumns):
    """Differences of the answers that name a purchase, by local day."""

    day: Int64s
    praised: Int64s
    """Top scores."""
    regretted: Int64s
    """Those of them whose purchase was given back within ``REGRET_DAYS``."""
    others: Int64s
    """Other scores."""
    others_regretted: Int64s


class FleetSignals(msgspec.Struct, array_like=True, frozen=True, tag="fleet"):
    """How far a source partition has come, and what changed in the whole fleet with it."""

    partition: int
    clock: int | None
    """The local day that all its topics have reached; what is older than the tolerated lateness before it is marked late. None: as it was."""
    caught_up: bool
    """There was nothing more to read: the partition holds up nobody who goes on to where the foremost was when it told so the time before."""
    new_units: NewUnits = msgspec.field(default_factory=NewUnits)
    strata: Strata = msgspec.field(default_factory=Strata)
    paces: Paces = msgspec.field(default_factory=Paces)
    plans: PlanDays = msgspec.field(default_factory=PlanDays)
    praise: PraiseDays = msgspec.field(default_factory=PraiseDays)


Signals = UnitSignals | FleetSignals
MOST_ANSWERS = 1_000
"""Of a record: with the longest names, of characters of four bytes, it takes little more than a megabyte."""
MOST_NUMBERS = 5_000
"""Of each kind in a record of the fleet: below a megabyte."""
BINS_A_DOUBLING = 8
STRAIGHT_BIN = 64 * BINS_A_DOUBLING
"""Above the bin of every duration."""
_BINS_BITS = 3
_POWERS = 1 << np.arange(63, dtype=np.int64)


def _pack(columns: object) -> object:
    if isinstance(columns, PackedColumns):
        return columns.pack()
    raise NotImplementedError


def _unpack(kind: type, packed: Packed) -> object:
    if issubclass(kind, PackedColumns):
        return kind.unpack(packed)
    raise NotImplementedError


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_pack)
_DECODER = msgspec.msgpack.Decoder(Signals, dec_hook=_unpack)


def encode(signals: Signals) -> bytes:
    """The value of a record."""
    return _ENCODER.encode(signals)


def decode(value: bytes) -> Signals:
    """What a value says; raises ``msgspec.DecodeError``, which is a bug: nobody but Candor writes the topic."""
    signals: Signals = _DECODER.decode(value)
    return signals


def duration_bins(milliseconds: Int64s) -> Int64s:
    """Durations in eighths of a doubling, so that percentiles are known to 9 %; below a millisecond as one."""
    values = np.maximum(milliseconds, 1)
    doublings = np.searchsorted(_POWERS, values, side="right") - 1
    # Never more bits than there are: the three after the first are what tells the eighths apart.
    eighths = np.where(doublings >= _BINS_BITS, values >> np.maximum(doublings - _BINS_BITS, 0), values << np.maximum(_BINS_BITS - doublings, 0))
    return np.asarray(doublings * BINS_A_DOUBLING + eighths - BINS_A_DOUBLING)
