"""Detractors who were contacted against comparable ones who were not: what they bought in the half year after."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from statistics import fmean, variance

from tests.oracle.follow_up import Answer, Company, at
from tests.oracle.records import Row, Rows
from tests.oracle.scores import Z

CONTACT_DAYS, LIFE_DAYS = timedelta(14), timedelta(180)


def recovered_detractors(company: Company) -> Rows:
    """By account: its earliest detractor's response, what was done in time, and what was bought before and after."""
    now = max((at(row) for rows in company.movements.values() for row in rows), default=None)
    first: dict[str, Answer] = {}
    for answer in sorted(company.answers.values(), key=lambda answer: (answer.occurred_at, answer.response_id)):
        if answer.of_class == "detractor":
            first.setdefault(answer.account_id, answer)
    known = {account: answer for account, answer in first.items() if now and answer.occurred_at + CONTACT_DAYS + LIFE_DAYS <= now}
    before = {
        account: [row for row in company.movements[account] if answer.occurred_at - LIFE_DAYS <= at(row) < answer.occurred_at]
        for account, answer in known.items()
    }
    found: Rows = {}
    for account, answer in known.items():
        until = answer.occurred_at + CONTACT_DAYS
        after = [row for row in company.movements[account] if until < at(row) <= until + LIFE_DAYS]
        peers = sorted(_net(before[other]) for other in known if _bought(before[other]) and _same_programme(company, known[other], answer))
        cuts = [peers[int(share * len(peers))] for share in (0.25, 0.5, 0.75)] if peers else []
        found[account,] = {
            "response_id": answer.response_id,
            "programme": company.programme(answer.survey_id),
            "answered_at": answer.occurred_at,
            "contacted": any(
                case.account_id == account and case.response_id == answer.response_id and case.contacted_at and case.contacted_at <= until
                for case in company.cases
            ),
            "score_band": "0-3" if answer.score is not None and answer.score <= 3 else "4-6",
            "revenue_before": _net(before[account]),
            "revenue_band": 1 + sum(_net(before[account]) > cut for cut in cuts) if _bought(before[account]) else 0,
            "retained_revenue": _net(after),
            "retained": _bought(after),
        }
    return found


def _same_programme(company: Company, one: Answer, other: Answer) -> bool:
    return company.programme(one.survey_id) == company.programme(other.survey_id)


def _net(rows: list[Row]) -> Decimal:
    total = Decimal(0)
    for row in rows:
        amount = row["amount_base"]
        assert isinstance(amount, Decimal)
        total += amount if row["event_type"] == "transaction.completed" else -amount
    return total


def _bought(rows: list[Row]) -> bool:
    return any(row["event_type"] == "transaction.completed" for row in rows)


def retained_revenue(recovered: Rows) -> Rows:
    """By programme: revenue of contacted detractors against comparable others."""
    bands: dict[str, dict[object, tuple[list[Row], list[Row]]]] = defaultdict(lambda: defaultdict(lambda: ([], [])))
    for row in recovered.values():
        bands[str(row["programme"])][row["score_band"], row["revenue_band"]][not row["contacted"]].append(row)
    return {(programme,): _lift(list(of_programme.values())) for programme, of_programme in bands.items()}


def _lift(bands: list[tuple[list[Row], list[Row]]]) -> Row:
    matched = [(contacted, others) for contacted, others in bands if len(contacted) > 1 and len(others) > 1]
    n = sum(len(contacted) for contacted, _ in matched)
    row: Row = {
        "contacted": n,
        "not_contacted": sum(len(others) for _, others in matched),
        "left_out": sum(len(contacted) + len(others) for contacted, others in bands) - sum(len(one) + len(other) for one, other in matched),
    }
    for name, column in (("revenue", "retained_revenue"), ("retention", "retained")):
        names = (f"{name}_contacted", f"{name}_comparable", f"{name}_lift", f"{name}_lift_low", f"{name}_lift_high")
        row |= dict(zip(names, _compared(matched, column, n), strict=True))
    return row


def _compared(matched: list[tuple[list[Row], list[Row]]], column: str, n: int) -> tuple[float | None, ...]:
    if not n:
        return (None,) * 5
    here = there = spread = 0.0
    for contacted, others in matched:
        ours, theirs = (
            [float(str(row[column])) if column == "retained_revenue" else float(bool(row[column])) for row in rows] for rows in (contacted, others)
        )
        weight = len(ours) / n
        here, there = here + weight * fmean(ours), there + weight * fmean(theirs)
        spread += weight**2 * (variance(ours) / len(ours) + variance(theirs) / len(theirs))
    margin = Z * sqrt(spread)
    return here, there, here - there, here - there - margin, here - there + margin
