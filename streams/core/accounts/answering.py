"""Feedback as the units stage is told of it: answers that began or ceased to count, and what they give away beside their score.

Batches are only kept until they are asked for, since reading a whole flush costs little more than reading a batch.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.begging import Lexicon
from schemas.enums import ContactClass
from streams.core.accounts.loyalty import LEAST_OF_TOP_TWO, TOP
from streams.core.accounts.praising import Answered, PraiseTable
from streams.core.accounts.responses import Counted, Feedback, TakenOut, may_be_evidence
from streams.core.accounts.sums import Sums, signed
from streams.core.batch import Bools, Decoded, Int64s
from streams.core.hashing import UInt64s, combine, hash_strings, salt
from streams.core.integrity.text.begging import BeggingPhrases
from streams.core.integrity.text.fingerprints import fingerprints
from streams.core.integrity.text.words import words_of_each
from streams.core.signals import STRAIGHT_BIN, Answers, Paces, Sign, duration_bins

FEWEST_STRAIGHT = 4
"""The same answer to so many questions is no accident."""
_REVISION, _FORM = salt("revision of an answer"), salt("form")
_READ = ["contact_class", "asked_for_score", "answers", "comment", "language", "device_hash", "contact_hash", "survey_id", "duration_ms"]


class Submissions(NamedTuple):
    """Submissions that were accepted in time, whichever revision counts in the end, so that the order of revisions does not matter."""

    unit_id: list[str]
    day: Int64s
    occurred_at: Int64s


class Told(NamedTuple):
    """What is to be told of the feedback between two flushes."""

    answers: Answers
    unit: Int64s
    """Of each answer: its number."""
    top_box: Bools
    """Of each answer, also of one that ceased to count."""
    paces: Paces
    praise: list[Mapping[int, Int64s]]
    """Differences of praise, by day; see ``PraiseTable``."""
    submissions: Submissions


class _Kept(NamedTuple):
    """A batch that waits."""

    events: Decoded
    account_hashes: UInt64s
    counted: list[Counted]
    accepted: Int64s
    """Events that were accepted, in time."""


class Answering:
    """Collects feedback between two flushes."""

    def __init__(self, lexicons: Mapping[str, Lexicon]) -> None:
        self._begging = BeggingPhrases(lexicons)
        self._kept: list[_Kept] = []
        self._taken_out: list[TakenOut] = []

    def add(self, events: Decoded, account_hashes: UInt64s, feedback: Feedback, before: Int64s) -> None:
        """Keeps a batch that was taken in; ``before`` is the topic's newest time before each event."""
        accepted = np.flatnonzero(feedback.accepted & may_be_evidence(events, before))
        counted = [change for change in feedback.changes if isinstance(change, Counted)]
        self._kept.append(_Kept(events, account_hashes, counted, accepted))
        self._taken_out += [change for change in feedback.changes if isinstance(change, TakenOut)]

    def take(self, praised: PraiseTable) -> Told:
        """Returns what is to be told of all batches, once."""
        kept, self._kept = self._kept, []
        changes, self._taken_out = self._taken_out, []
        feedback = _Feedback(self._begging, kept)
        counted, ceased = feedback.counted(), _ceased(changes)
        return Told(
            # A revision begins to count before it ceases to, and does either once.
            Answers.concatenated([counted.answers, ceased.answers]),
            np.concatenate([counted.unit, ceased.unit]),
            np.concatenate([counted.top_box, ceased.top_box]),
            feedback.paces(),
            _praise(praised, counted, ceased),
            feedback.submissions(),
        )


class _Changed(NamedTuple):
    """Answers that began, or ceased, to count."""

    answers: Answers
    unit: Int64s
    purchase: UInt64s
    """Key of the transaction that each names; 0 where it names none."""
    top_box: Bools


class _Feedback:
    """The events of some batches of feedback, as one."""

    def __init__(self, begging: BeggingPhrases, kept: list[_Kept]) -> None:
        self._begging = begging
        self._kept = kept
        sizes = [batch.events.facts.num_rows for batch in kept]
        self._starts = np.cumsum(sizes) - sizes if sizes else np.empty(0, np.int64)
        self._facts = pa.concat_tables([batch.events.facts.select(_READ) for batch in kept]) if kept else None
        self._accepted = _joined([start + batch.accepted for start, batch in zip(self._starts, kept, strict=True)])
        self._channel, self._day, self._occurred_at = (
            _joined([getattr(batch.events, name) for batch in kept]) for name in ("channel", "day", "occurred_at")
        )
        if self._facts is not None:
            # Few surveys are named many times.
            surveys = self._facts.column("survey_id").combine_chunks().dictionary_encode()
            names = hash_strings(surveys.dictionary.to_pylist())[surveys.indices.to_numpy()]
            self._forms = combine(combine(names, self._channel.view(np.uint64)), _FORM)
            self._durations: Int64s = self._facts.column("duration_ms").fill_null(-1).to_numpy().astype(np.int64)
            self._straight = _are_straight(self._facts.column("answers").combine_chunks())

    def submissions(self) -> Submissions:
        """Returns the accepted submissions."""
        units = [batch.events.unit_id[i] for batch in self._kept for i in batch.accepted.tolist()]
        return Submissions(units, self._day[self._accepted], self._occurred_at[self._accepted])

    def paces(self) -> Paces:
        """Returns how long the forms of accepted submissions took, and how many of these had the same answer throughout."""
        if self._facts is None:
            return Paces()
        known = self._accepted[self._durations[self._accepted] >= 0]
        sums, straight = Sums(3, 1), known[self._straight[known]]
        for some, bins in ((known, duration_bins(self._durations[known])), (straight, np.full(len(straight), STRAIGHT_BIN))):
            sums.add((self._day[some], signed(self._forms[some]), bins), (np.ones(len(some), np.int64),))
        (day, form, of_bin), numbers = sums.take()
        return Paces(day, form.view(np.uint64), of_bin, *numbers)

    def counted(self) -> _Changed:
        """Returns the answers that began to count."""
        changes = [(batch, int(start), change) for start, batch in zip(self._starts, self._kept, strict=True) for change in batch.counted]
        chosen = _joined([start + change.event[change.told] for _, start, change in changes])
        if self._facts is None or not len(chosen):
            return _Changed(Answers(), np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.bool_))
        facts = self._facts.take(pa.array(chosen))
        signs, marks = self._signs(facts, self._straight[chosen])
        revision, score, metric = (_joined([getattr(batch.events, name) for batch in self._kept])[chosen] for name in ("revision", "score", "metric"))
        top: Bools = score == TOP[metric]
        keys, purchase = (
            np.concatenate([getattr(change, name)[change.told] for _, _, change in changes]).astype(np.uint64) for name in ("key", "purchase")
        )
        account_hashes = np.concatenate([batch.account_hashes for batch in self._kept])[chosen]
        names, responses = ([getattr(batch.events, name) for batch in self._kept] for name in ("account_id", "identity"))
        answers = Answers(
            _revision_keys(keys, revision),
            revision,
            signs | np.where(top, int(Sign.TOP_BOX), 0) | np.where(score >= LEAST_OF_TOP_TWO[metric], int(Sign.TOP_TWO_BOX), 0),
            self._occurred_at[chosen],
            self._day[chosen],
            metric,
            self._channel[chosen],
            account_hashes,
            _hashes(facts, "device_hash"),
            _hashes(facts, "contact_hash"),
            marks,
            self._forms[chosen],
            self._durations[chosen],
            *(np.concatenate([np.array(column, np.object_) for column in columns])[chosen] for columns in (names, responses)),
        )
        return _Changed(answers, _joined([change.unit[change.told] for _, _, change in changes]), purchase, top)

    def _signs(self, facts: pa.Table, straight: Bools) -> tuple[Int64s, UInt64s]:
        """Returns what is known of answers but for their score, and the fingerprint of each comment."""
        signs: Int64s = np.full(facts.num_rows, int(Sign.COUNTED))
        begged, marks = self._read_comments(facts)
        asked = facts.column("asked_for_score")
        found = {
            Sign.STAFF: pc.fill_null(pc.equal(facts.column("contact_class"), ContactClass.STAFF.value), fill_value=False).to_numpy(),
            Sign.ASKED_OR_NOT: asked.is_valid().to_numpy(),
            Sign.ASKED: pc.fill_null(asked, fill_value=False).to_numpy(),
            Sign.STRAIGHT: straight,
            Sign.BEGGED: begged,
        }
        for sign, carried in found.items():
            signs |= np.where(carried, int(sign), 0)
        return signs, marks

    def _read_comments(self, facts: pa.Table) -> tuple[Bools, UInt64s]:
        """Returns which comments speak of begging, and the fingerprint of each."""
        comments, languages = facts.column("comment").to_pylist(), facts.column("language").to_pylist()
        words = words_of_each([comment or "" for comment in comments])
        return self._begging.found_in(words, languages), fingerprints(words)


def _ceased(changes: list[TakenOut]) -> _Changed:
    """Returns the answers that ceased to count, without what nobody asks for any more."""
    told = [change.told for change in changes]
    revision, unit, day, metric, channel = (
        _joined([getattr(change, name)[of] for change, of in zip(changes, told, strict=True)])
        for name in ("revision", "unit", "day", "metric", "channel")
    )
    key, purchase = (
        np.concatenate([np.empty(0, np.uint64), *(getattr(change, name)[of] for change, of in zip(changes, told, strict=True))])
        for name in ("key", "purchase")
    )
    score = np.concatenate([np.empty(0), *(change.score[of] for change, of in zip(changes, told, strict=True))])
    unknown, nothing, names = np.zeros(len(key), np.uint64), np.zeros(len(key), np.int64), [""] * len(key)
    answers = Answers(
        _revision_keys(key, revision), revision, nothing, nothing, day, metric, channel, unknown, unknown, unknown, unknown, unknown, nothing - 1,
        names, names,
    )  # fmt: skip
    return _Changed(answers, unit, purchase, score == TOP[metric])


def _praise(praised: PraiseTable, counted: _Changed, ceased: _Changed) -> list[Mapping[int, Int64s]]:
    """Takes what names a purchase into the table; what began and ceased to count between two flushes never did."""
    began, ended = counted.purchase != 0, ceased.purchase != 0
    began &= ~np.isin(counted.answers.key, ceased.answers.key[ended])
    ended &= ~np.isin(ceased.answers.key, counted.answers.key)
    differences: list[Mapping[int, Int64s]] = []
    if ended.any():
        differences.append(praised.taken_out(ceased.purchase[ended], ceased.answers.key[ended]))
    if began.any():
        said = counted.answers.take(np.flatnonzero(began))
        differences.append(praised.answered(Answered(counted.purchase[began], said.key, said.occurred_at, said.day, counted.top_box[began])))
    return differences


def _joined(columns: list[Int64s]) -> Int64s:
    return np.concatenate([np.empty(0, np.int64), *columns])


def _revision_keys(keys: UInt64s, revisions: Int64s) -> UInt64s:
    return combine(combine(keys, revisions.view(np.uint64)), _REVISION)


def _hashes(facts: pa.Table, name: str) -> UInt64s:
    """Returns the hash of each value, 0 where there is none."""
    column = facts.column(name)
    hashes = np.zeros(len(column), np.uint64)
    hashes[column.is_valid().to_numpy()] = hash_strings(column.drop_null().to_pylist())
    return hashes


def _are_straight(answers: pa.MapArray) -> Bools:
    """Whether all answers to the questions of each form are the same, and there are at least ``FEWEST_STRAIGHT``."""
    offsets = answers.offsets.to_numpy()
    lengths = np.diff(offsets)
    numbers = answers.items.to_numpy()[offsets[0] : offsets[-1]]
    of_form = np.repeat(np.arange(len(lengths)), lengths)
    first = numbers[np.repeat(offsets[:-1] - offsets[0], lengths)]
    differing = np.bincount(of_form, numbers != first, len(lengths))
    return np.asarray((lengths >= FEWEST_STRAIGHT) & (differing == 0))
