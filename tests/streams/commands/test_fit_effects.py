"""``candor fit`` on a made-up company whose causes are known: effects that were put in are found, at their size, and none where none were.

Every number is computed once more from the events alone, in plain Python, with a dummy for each account and window.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sinks.clickhouse import ClickHouse, connect
from streams.fitting.run import RELEASE
from tests.streams.commands.conftest import Run

Row = Mapping[str, Any]
Key = tuple[int, int]
"""Account and window."""
Series = dict[Key, float]
START = date(2025, 12, 22)
"""A Monday on which a 28-day window begins."""
ACCOUNTS, WINDOWS = 120, 13
CATALOG = """
kpis:
  - {kpi_id: waiting, orientation: company, measure: wait_minutes, better: lower, spoke: operations}
  - {kpi_id: ledger_days, orientation: company, better: lower, spoke: finance}
  - {kpi_id: mood, orientation: company, spoke: employee}
"""


@dataclass
class Company:
    """Events, and the numbers that they were made from, by account and window."""

    lines: list[str] = field(default_factory=list)
    shares: Series = field(default_factory=dict)
    feelings: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    efforts: dict[Key, list[float]] = field(default_factory=lambda: defaultdict(list))
    spend: Series = field(default_factory=lambda: defaultdict(float))
    bought: set[Key] = field(default_factory=set)
    hassles: Series = field(default_factory=lambda: defaultdict(float))
    progress: dict[Key, float] = field(default_factory=dict)
    measures: dict[str, Series] = field(default_factory=lambda: defaultdict(dict))
    newest: dict[str, date] = field(default_factory=dict)

    def tell(self, topic: str, account: int, day: date, hour: int, **value: object) -> None:
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        number = len(self.lines)
        identity = {"transactions": "transaction_id", "feedback": "response_id", "communications": "message_id", "operations": "observation_id"}.get(
            topic
        )
        full = {"event_id": f"e{number}", "account_id": f"a{account}", "occurred_at": at.isoformat(), **value}
        if identity:
            full[identity] = f"i{number}"
        self.newest[topic] = max(day, self.newest.get(topic, day))
        self.lines.append(json.dumps({"topic": topic, "key": f"a{account}", "timestamp_ms": int(at.timestamp() * 1000), "value": full}))


def company(following: float, answering: float, seed: int) -> Company:
    """What is felt and bought follows the last window's share of value messages by ``following``.

    The company sells the more by ``answering``, the better somebody felt in the window before. Waiting hurts at once; the length of the queue goes
    with it and does nothing; ledgers have nothing to do with customers.
    """
    random, made = np.random.default_rng(seed), Company()
    for account in range(ACCOUNTS):
        temper, generosity, share, feeling = random.normal(scale=0.8), random.normal(scale=0.1), 0.5, 7.0
        for window in range(WINDOWS):
            key = (account, window)
            first = START + timedelta(28 * window)
            wait = float(np.round(np.exp(random.normal(2, 0.4)), 2))
            for measure, value in (("wait_minutes", wait), ("queue_length", wait + random.normal(scale=4)), ("ledger_days", 30 + random.normal())):
                made.measures[measure][key] = float(np.round(value, 3))
                day = first + timedelta(int(random.integers(0, 28)))
                made.tell("operations", account, day, 9, event_type="operation.observed", measure=measure, value=made.measures[measure][key])
            felt_before = feeling
            feeling = float(np.clip(np.round(7 + temper + following * 8 * (share - 0.5) - 0.15 * (wait - 8) + random.normal(scale=1.2)), 0, 10))
            says = {"event_type": "response.submitted", "unit_id": "u", "survey_id": "s"}
            made.tell("feedback", account, first + timedelta(26), 10, **says, metric="nps", score=feeling)
            made.feelings[key].append(feeling / 10)
            effort = int(np.clip(np.round(5 - 0.2 * (wait - 8) + random.normal()), 1, 7))
            made.tell("feedback", account, first + timedelta(20), 10, **says, metric="ces", score=effort)
            made.feelings[key].append((effort - 1) / 6)
            made.efforts[key].append((effort - 1) / 6)
            if random.random() < 0.5 + following * 0.6 * (share - 0.5) + generosity:
                amount = float(np.round(50 * np.exp(random.normal(scale=0.3)), 2))
                made.spend[key] += amount
                made.bought.add(key)
                sold = {"event_type": "transaction.completed", "amount": amount, "currency": "EUR"}
                made.tell("transactions", account, first + timedelta(int(random.integers(0, 28))), 11, **sold)
            if random.random() < 0.2:
                made.hassles[key] += 1
                case = {"event_type": "case.opened", "case_id": f"c{window}"}
                made.tell("actions", account, first + timedelta(3), 12, **case)
                made.tell("actions", account, first + timedelta(40), 12, **{**case, "event_type": "case.resolved"})
            if window % 4 == account % 4:
                made.progress[key] = float(np.round(np.clip(0.9 - 0.04 * (wait - 4) + random.normal(scale=0.1), 0, 1), 3))
                got: dict[str, object] = {"event_type": "outcome.recorded", "outcome_id": "o", "objective_id": "hours", "attested_by": "customer"}
                made.tell("outcomes", account, first + timedelta(5), 13, **got, baseline=0, target=1, current=made.progress[key])
            chance = float(np.clip(0.5 + generosity - answering * 0.12 * (felt_before - 7), 0.05, 0.95))
            helps = int(random.binomial(4, chance))
            for message in range(4):
                purpose = "value_education" if message < helps else ("sell", "upsell")[message % 2]
                made.tell("communications", account, first + timedelta(7 * message), 14, event_type="communication.sent", purpose=purpose)
            made.tell("communications", account, first + timedelta(9), 14, event_type="communication.sent", purpose="service")
            share = made.shares[key] = helps / 4
    return made


@pytest.fixture
def clickhouse(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClickHouse]:
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    (tmp_path / "catalog.yaml").write_text(CATALOG, encoding="utf-8")
    monkeypatch.setenv("CANDOR_CATALOG", str(tmp_path / "catalog.yaml"))
    found = connect(migrated_url)
    yield found
    found.close()


def fitted(candor: Run, made: Company, folder: Path) -> None:
    (folder / "events.ndjson").write_text("\n".join(made.lines) + "\n", encoding="utf-8")
    result = candor("replay", str(folder / "events.ndjson"), "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rejected"] == {}
    result = candor("fit")
    assert result.exit_code == 0, result.stderr


def test_a_falling_share_of_value_messages_comes_before_falling_loyalty_where_it_does(candor: Run, clickhouse: ClickHouse, tmp_path: Path) -> None:
    made = company(following=1.0, answering=1.0, seed=1)
    fitted(candor, made, tmp_path)

    told = {(row["effect"], row["lag"]): row for row in clickhouse.query("SELECT * FROM message_effects").to_pylist()}

    for effect in ("feeling", "bought"):
        assert told[effect, 1]["confirmed"]
        assert told[effect, 1]["slope"] > 0
    assert told["feeling", -1]["confirmed"]
    assert told["feeling", -1]["slope"] < 0
    _check_messages(made, told)
    elasticities = {(row["measure"], row["effect"], row["lag"]): row for row in clickhouse.query("SELECT * FROM elasticities").to_pylist()}
    _check_elasticities(made, elasticities)
    assert elasticities["wait_minutes", "feeling", 0]["confirmed"]
    assert elasticities["wait_minutes", "feeling", 0]["elasticity"] < 0
    # The queue is as long as one waits, but all that it does is done by waiting.
    assert not elasticities["queue_length", "feeling", 0]["published"]
    assert not elasticities["ledger_days", "feeling", 0]["published"]
    _check_hub(clickhouse, made)


def test_nothing_is_told_to_come_first_where_the_company_only_answers(candor: Run, clickhouse: ClickHouse, tmp_path: Path) -> None:
    """It sells the more, the better somebody felt: messages and feelings go together, but nothing follows messages."""
    made = company(following=0.0, answering=1.0, seed=2)
    fitted(candor, made, tmp_path)

    told = {(row["effect"], row["lag"]): row for row in clickhouse.query("SELECT * FROM message_effects").to_pylist()}

    assert told["feeling", -1]["confirmed"]
    assert not any(row["confirmed"] for (_, lag), row in told.items() if lag > 0)
    assert not any(told[effect, 1]["published"] for effect in ("feeling", "bought"))
    runs = clickhouse.query("SELECT state, as_of, release FROM model_runs WHERE model = 'effects' AND last").to_pylist()
    assert runs == [{"state": "fitted", "as_of": min(made.newest["transactions"], made.newest["feedback"]), "release": RELEASE}]


def _last_window(made: Company) -> int:
    """The last that is complete on the newest day that is known of both purchases and responses."""
    as_of = min(made.newest["transactions"], made.newest["feedback"])
    return ((as_of - START).days + 1) // 28 - 1


def _customers(made: Company) -> dict[int, int]:
    first: dict[int, int] = {}
    for account, window in sorted(made.bought):
        first.setdefault(account, window)
    return first


Entries = list[tuple[int, int, list[float]]]
"""Account, window, and what comes first, what is held constant, and what comes later."""


def _least_squares(entries: Entries) -> tuple[float, float]:
    """Slope and partial correlation."""
    account, window = (np.array([entry[side] for entry in entries]) for side in (0, 1))
    held = np.array([entry[2] for entry in entries])
    dummies = [account[:, None] == np.unique(account), window[:, None] == np.unique(window)[1:]]
    design, ends = np.hstack([held[:, 1:-1], *dummies]), held[:, [0, -1]]
    first, later = (ends - design @ np.linalg.solve(design.T @ design, design.T @ ends)).T
    return float(first @ later / (first @ first)), float(first @ later / sqrt((first @ first) * (later @ later)))


def _check_messages(made: Company, told: Mapping[tuple[str, int], Row]) -> None:
    last, customers = _last_window(made), _customers(made)

    def feeling(account: int, window: int) -> float | None:
        said = made.feelings.get((account, window))
        return float(np.mean(said)) if said and window <= last else None

    def bought(account: int, window: int) -> float | None:
        known = account in customers and customers[account] < window <= last
        return float((account, window) in made.bought) if known else None

    def share(account: int, window: int) -> float | None:
        return made.shares.get((account, window)) if window <= last else None

    series: dict[str, Callable[[int, int], float | None]] = {"feeling": feeling, "bought": bought}
    assert set(told) == {(effect, lag) for effect in series for lag in (-3, -2, -1, 1, 2, 3)}
    for (effect, lag), row in told.items():
        first, later = (share, series[effect]) if lag > 0 else (series[effect], share)
        gap = abs(lag)
        by_account: dict[int, Entries] = defaultdict(list)
        for account in range(ACCOUNTS):
            for window in range(last + 1):
                values = [first(account, window), later(account, window), later(account, window + gap)]
                if None not in values:
                    by_account[account].append((account, window, [float(value or 0) for value in values]))
        kept = {account: entries for account, entries in by_account.items() if len(entries) >= 8}
        whole = [entry for entries in kept.values() for entry in entries]
        early = [entry for entries in kept.values() for entry in entries[: (len(entries) + 1) // 2]]
        late = [entry for entries in kept.values() for entry in entries[(len(entries) + 1) // 2 :]]
        slope = 2 * _least_squares(whole)[0] - (_least_squares(early)[0] + _least_squares(late)[0]) / 2
        assert (row["n"], row["slope"]) == (len(whole), pytest.approx(slope, abs=1e-7)), (effect, lag)
        assert row["correlation_low"] < row["correlation"] < row["correlation_high"]
        assert 0 < row["holdout_n"] < row["n"] / 2


def _check_elasticities(made: Company, told: Mapping[tuple[str, str, int], Row]) -> None:
    last, customers = _last_window(made), _customers(made)
    assert set(told) == {(measure, effect, lag) for measure in made.measures for effect in ("feeling", "spend", "bought") for lag in range(4)}
    for (measure, effect, lag), row in told.items():
        entries: Entries = []
        for (account, window), value in made.measures[measure].items():
            later = window + lag
            if later > last or (effect != "feeling" and later <= customers.get(account, last)):
                continue
            outcome = {
                "feeling": float(np.mean(made.feelings[account, later])), "spend": made.spend.get((account, later), 0.0),
                "bought": float((account, later) in made.bought),
            }[effect]  # fmt: skip
            others = [made.measures[other][account, window] for other in made.measures if other != measure]
            entries.append((account, window, [value, *others, outcome]))
        alone = {account for account in range(ACCOUNTS) if sum(entry[0] == account for entry in entries) < 2}
        entries = [entry for entry in entries if entry[0] not in alone]
        slope, correlation = _least_squares(entries)
        elasticity = slope * float(np.mean([held[0] for *_, held in entries]) / np.mean([held[-1] for *_, held in entries]))
        assert row["n"] == len(entries)
        assert [row["slope"], row["correlation"], row["elasticity"]] == pytest.approx([slope, correlation, elasticity], abs=1e-7), (
            measure,
            effect,
            lag,
        )


def _check_hub(clickhouse: ClickHouse, made: Company) -> None:
    last = _last_window(made)
    links = {(row["kpi_id"], row["hub"]): row for row in clickhouse.query("SELECT * FROM hub_links").to_pylist()}
    assert set(links) == {(kpi, hub) for kpi in ("waiting", "ledger_days", "mood") for hub in ("vdi", "customer_focus_index", "effort", "hassles")}
    vdi: Series = {}
    for account in range(ACCOUNTS):
        newest: float | None = None
        for window in range(last + 1):
            newest = made.progress.get((account, window), newest)
            if newest is not None:
                vdi[account, window] = newest
    hubs: dict[str, Series] = {
        "vdi": vdi,
        "customer_focus_index": {key: sqrt(value * float(np.mean(made.feelings[key]))) for key, value in vdi.items()},
        "effort": {key: float(np.mean(said)) for key, said in made.efforts.items()},
        "hassles": {(account, window): made.hassles.get((account, window), 0.0) for account in range(ACCOUNTS) for window in range(WINDOWS)},
    }
    for (kpi, hub), row in links.items():
        if kpi == "mood":
            assert (row["n"], row["hub_link"], row["linked"], row["helps"]) == (0, None, False, None)
            continue
        measure = {"waiting": "wait_minutes"}.get(kpi, kpi)
        others = [other for other in made.measures if other != measure]
        entries: Entries = [
            (account, window, [made.measures[measure][account, window], *(made.measures[other][account, window] for other in others), value])
            for (account, window), value in hubs[hub].items()
            if window <= last
        ]
        assert row["n"] == len(entries)
        assert row["hub_link"] == pytest.approx(_least_squares(entries)[1], abs=1e-7), (kpi, hub)
    assert links["waiting", "effort"]["helps"] is True
    spokes = {row["spoke"]: row for row in clickhouse.query("SELECT * FROM spokes").to_pylist()}
    assert (spokes["operations"]["kpis_linked"], spokes["operations"]["company_centred"]) == (1, False)
    assert (spokes["employee"]["kpis_judged"], spokes["employee"]["company_centred"]) == (0, None)
    assert spokes["finance"]["company_centred"] == (not any(row["confirmed"] for (kpi, _), row in links.items() if kpi == "ledger_days"))
