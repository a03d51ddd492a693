"""Trials as lines of Markdown tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.integrity.contest import CANDOR, Contest, pooled, recall
from benchmarks.integrity.injectors import INJECTORS, STRENGTHS, Kind
from benchmarks.integrity.real import Ranking, ranked
from benchmarks.integrity.trials import HORIZONS, Outcome, Trial
from schemas.enums import Detector, UnitState

Cells = dict[tuple[str, float], list[Outcome]]
LONGEST = HORIZONS[-1]


def cells(trials: Iterable[Trial], kind: Kind) -> Cells:
    """Outcomes by injector and strength, in the order in which these are declared."""
    found: Cells = defaultdict(list)
    for trial in trials:
        for outcome in trial.outcomes:
            found[outcome.treatment.injector.name, outcome.treatment.strength].append(outcome)
    names = [injector.name for injector in INJECTORS if injector.kind is kind]
    return {(name, strength): found[name, strength] for name in names for strength in STRENGTHS if (name, strength) in found}


def power(trials: Sequence[Trial]) -> Iterator[str]:
    """Recall and delay of every attack and strength."""
    heads = " | ".join(f"{days} days" for days in HORIZONS)
    yield f"| attack | strength | treatments | found in {heads} | suspect in {LONGEST} | median days | median answers | first found by |"
    yield "|---" * (7 + len(HORIZONS) - 1) + "|---|"
    for (name, strength), outcomes in cells(trials, Kind.ATTACK).items():
        found = [outcome.raised[0] for outcome in outcomes if outcome.found_within(LONGEST)]
        shares = " | ".join(_percent(outcome.found_within(days) for outcome in outcomes) for days in HORIZONS)
        suspect = _percent(outcome.was(UnitState.SUSPECT, LONGEST) for outcome in outcomes)
        delays = f"{_median([one.day for one in found])} | {_median([one.answers for one in found])}"
        first = ", ".join(f"{detector} {count}" for detector, count in Counter(one.detector for one in found).most_common(3)) or "-"
        yield f"| {name} | {strength:g} | {len(outcomes)} | {shares} | {suspect} | {delays} | {first} |"


def bias(trials: Sequence[Trial]) -> Iterator[str]:
    """What gaming adds to the score, and what is left of it."""
    yield "| attack | strength | raw - true | excluded - true | left | mid - true | low - true | true score not below low | flagged | rightly |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for (name, strength), outcomes in cells(trials, Kind.ATTACK).items():
        known = [outcome.bias for outcome in outcomes if outcome.bias is not None]
        if not known:
            continue
        raw, excluded, mid, low = (_mean(getattr(one, which) for one in known) for which in ("raw", "excluded", "mid", "low"))
        left = f"{100 * excluded / raw:.0f} %" if raw >= 1 else "-"
        bounded = _percent(one.low <= 0 for one in known)
        yield f"| {name} | {strength:g} | {raw:+.1f} | {excluded:+.1f} | {left} | {mid:+.1f} | {low:+.1f} | {bounded} | {_flags(outcomes)} |"


def confounders(trials: Sequence[Trial]) -> Iterator[str]:
    """What is thought of units that did nothing wrong but look like it."""
    yield f"| confounder | strength | treatments | investigate in {LONGEST} days | suspect | answers flagged | excluded - true | first found by |"
    yield "|---|---|---|---|---|---|---|---|"
    for (name, strength), outcomes in cells(trials, Kind.CONFOUNDER).items():
        suspect = [outcome.was(UnitState.SUSPECT, LONGEST) for outcome in outcomes]
        looked_at = [outcome.was(UnitState.INVESTIGATE, LONGEST) and not worse for outcome, worse in zip(outcomes, suspect, strict=True)]
        excluded = _mean(outcome.bias.excluded for outcome in outcomes if outcome.bias is not None)
        found = Counter(outcome.raised[0].detector for outcome in outcomes if outcome.found_within(LONGEST))
        first = ", ".join(f"{detector} {count}" for detector, count in found.most_common(3)) or "-"
        flagged = sum(outcome.flagged for outcome in outcomes)
        yield f"| {name} | {strength:g} | {len(outcomes)} | {_percent(looked_at)} | {_percent(suspect)} | {flagged} | {excluded:+.1f} | {first} |"


def detectors(trials: Sequence[Trial]) -> Iterator[str]:
    """Where each detector sounded, and how right the flags for it are."""
    outcomes = [outcome for trial in trials for outcome in trial.outcomes]
    yield "| detector | findings at gamed units | at those of confounders | at untouched units | about the fleet | answers flagged | rightly |"
    yield "|---|---|---|---|---|---|---|"
    for detector in Detector:
        gamed, looking = (
            sum(raised.detector == detector for outcome in outcomes if outcome.is_gaming == gaming for raised in outcome.raised)
            for gaming in (True, False)
        )
        honest = sum(name == detector for trial in trials for name in trial.honest_findings)
        fleet = sum(name == detector for trial in trials for name in trial.fleet_findings)
        flagged, rightly = (sum(outcome.flagged_by.get(detector.value, (0, 0))[place] for outcome in outcomes) for place in (0, 1))
        share = f"{100 * rightly / flagged:.0f} %" if flagged else "-"
        yield f"| {detector.value} | {gamed} | {looking} | {honest} | {fleet} | {flagged:,} | {share} |"


def honesty(trials: Sequence[Trial]) -> Iterator[str]:
    """Sentences on units to which nothing was done, and on all flags."""
    units = sum(len(trial.honest) for trial in trials)
    named, suspected = sum(trial.honest_named for trial in trials), sum(trial.honest_suspected for trial in trials)
    unit_days = sum(len(trial.honest) * trial.days for trial in trials)
    per_180 = 100 * named / max(unit_days, 1) * 180
    answers, findings = sum(trial.honest_answers for trial in trials), sum(len(trial.honest_findings) for trial in trials)
    yield f"* Units to which nothing was done: {units:,}, over {unit_days:,} unit-days."
    yield f"* {named:,} of them were named ({per_180:.2f} % per 180 days), {suspected:,} were suspected."
    yield f"* {findings:,} findings about them: {10_000 * findings / max(answers, 1):.2f} per 10,000 answers."
    outcomes = [outcome for trial in trials for outcome in trial.outcomes]
    flagged = sum(outcome.flagged for outcome in outcomes) + sum(trial.honest_flagged for trial in trials)
    rightly = sum(outcome.flagged_rightly for outcome in outcomes)
    changed = sum(outcome.changed for outcome in outcomes)
    yield (
        f"* Answers that were flagged: {flagged:,}, {100 * rightly / max(flagged, 1):.1f} % of them made or changed by gaming; "
        f"of the {changed:,} that were, {100 * rightly / max(changed, 1):.1f} % were flagged."
    )
    for state in (UnitState.INVESTIGATE, UnitState.SUSPECT):
        gamed, others = (sum(outcome.was(state, 10**6) for outcome in outcomes if outcome.is_gaming == gaming) for gaming in (True, False))
        called = gamed + others + (suspected if state is UnitState.SUSPECT else named)
        yield f"* Called {state.value} or worse: {called:,}; {100 * gamed / max(called, 1):.1f} % of them gamed."


def ranking(trials: Sequence[Trial]) -> Iterator[str]:
    """How well the evidence ranks gamed units above untouched ones."""
    honest = [trial.e_values.get(unit, 0.0) for trial in trials for unit in trial.honest]
    scores: dict[str, list[float]] = defaultdict(list)
    for trial in trials:
        for outcome in trial.outcomes:
            if outcome.is_gaming:
                scores[outcome.treatment.injector.name] += [trial.e_values.get(unit, 0.0) for unit in outcome.treatment.units]
    yield "| attack | units | area under ROC | average precision | by chance |"
    yield "|---|---|---|---|---|"
    everything = {**scores, "all": [value for values in scores.values() for value in values]}
    for name, values in everything.items():
        if values:
            area, precision = ranked([True] * len(values) + [False] * len(honest), [*values, *honest])
            yield f"| {name} | {len(values)} | {area:.3f} | {precision:.3f} | {len(values) / (len(values) + len(honest)):.3f} |"


def raters(rankings: Sequence[Ranking]) -> Iterator[str]:
    """How well raters are told apart."""
    yield "| ratings | ranked by | fraudulent | honest | area under ROC | average precision | by chance |"
    yield "|---|---|---|---|---|---|---|"
    for one in rankings:
        chance = one.fraudulent / (one.fraudulent + one.honest)
        yield f"| {one.data} | {one.judge} | {one.fraudulent} | {one.honest} | {one.area:.3f} | {one.precision:.3f} | {chance:.3f} |"


def contest(held: Contest, days: int) -> Iterator[str]:
    """Recall and delay of everybody, over all strengths."""
    names = [CANDOR, *(name for name in held.standings if name != CANDOR)]
    yield f"| done to the unit | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for injector in INJECTORS:
        delays = {name: pooled(held.standings[name], injector.name, STRENGTHS) for name in names}
        if delays[CANDOR]:
            row = [f"{100 * recall(delays[name], days):.0f} %{_days_of(delays[name], days)}" for name in names]
            yield f"| {injector.name}{'' if injector.kind is Kind.ATTACK else ' (benign)'} | {' | '.join(row)} |"
    quiet = [held.standings[name] for name in names]
    yield f"| false findings per 1,800 unit-days | {' | '.join(f'{1800 * one.false_findings / max(one.unit_days, 1):.2f}' for one in quiet)} |"


def thresholds(held: Contest) -> str:
    """A sentence on how the rivals were tuned."""
    told = ", ".join(f"{entry.rival.name} {entry.threshold:.3g}" for entry in held.entries)
    return f"At most {held.allowed} findings on the clean streams that they were tuned on. Thresholds: {told}."


def _days_of(delays: Sequence[int | None], days: int) -> str:
    found = [delay for delay in delays if delay is not None and delay <= days]
    return f" ({_median(found)})" if found else ""


def _percent(hits: Iterable[bool]) -> str:
    given = list(hits)
    return f"{100 * sum(given) / len(given):.0f} %" if given else "-"


def _median(values: Sequence[float]) -> str:
    return f"{median(values):g}" if values else "-"


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return sum(given) / len(given) if given else 0.0


def _flags(outcomes: Sequence[Outcome]) -> str:
    flagged, rightly = sum(outcome.flagged for outcome in outcomes), sum(outcome.flagged_rightly for outcome in outcomes)
    return f"{flagged:,} | {f'{100 * rightly / flagged:.0f} %' if flagged else '-'}"
