"""What must and what must not make each alert fire, as series over time in the notation of promtool: ``first+step x times``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires: its own labels beside severity and team, and its summary."""

    labels: Mapping[str, str]
    summary: str
    severity: str = "critical"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Series, one sample a minute, and what of one alert fires at a minute; nothing: it is silent."""

    alert: str
    name: str
    series: Mapping[str, str]
    at: int
    firing: Sequence[Firing] = field(default=())


_UP = 'up{job="candor-worker",instance="%s"}'
_DOWN = Firing({"job": "candor-worker"}, "No worker of job candor-worker answers.")
_START = 'process_start_time_seconds{job="candor-worker",instance="a"}'


def down() -> Iterator[Scenario]:
    yield Scenario(
        "CandorWatchdog", "fires", {}, 5, [Firing({}, "Always firing: its absence at the receiver means that alerting is broken.", "none")]
    )
    name = "CandorWorkerDown"
    yield Scenario(name, "both are down", {_UP % "a": "1x5 0x20", _UP % "b": "1x3 0x20"}, 12, [_DOWN])
    yield Scenario(name, "none was ever scraped", {'up{job="candor-lag"}': "1x20"}, 12, [_DOWN])
    yield Scenario(name, "one of two is up", {_UP % "a": "0x20", _UP % "b": "1x20"}, 20)
    yield Scenario(name, "down for three minutes", {_UP % "a": "1x5 0x3 1x20"}, 9)
    name = "CandorWorkerCrashLooping"
    looping = Firing({"job": "candor-worker", "instance": "a"}, "The worker at a started 3 times in 15 minutes.")
    yield Scenario(name, "three starts", {_START: "100x2 200x2 300x2 400x30"}, 12, [looping])
    yield Scenario(name, "it stays up since", {_START: "100x2 200x2 300x2 400x30"}, 29)
    yield Scenario(name, "a rollout", {_START: "100x5 200x30"}, 12)


_FENCED = 'candor_lost_ownerships_total{instance="a",stage="accounts"}'


def fenced() -> Iterator[Scenario]:
    name = "CandorWorkerFenced"
    told = Firing(
        {"instance": "a", "stage": "accounts"}, "The worker at a loses its partitions of stage accounts to others again and again.", "warning"
    )
    yield Scenario(name, "once a minute", {_FENCED: "0+1x30"}, 20, [told])
    yield Scenario(name, "twice, when workers changed", {_FENCED: "0x5 2x30"}, 20)
    yield Scenario(name, "all of many partitions at once", {_FENCED: "0x5 12x30"}, 20)
    yield Scenario(name, "often, and long ago", {_FENCED: "0+1x10 10x60"}, 60)


_DELETED = 'candor_deleted_records_total{instance="%s",stage="accounts"}'


def deleted() -> Iterator[Scenario]:
    name = "CandorRecordsDeleted"
    told = Firing({"stage": "accounts"}, "Kafka deleted up to 57 records of stage accounts before they were read.")
    yield Scenario(name, "seen when the worker began, before it was scraped", {_DELETED % "a": "57x20", _DELETED % "b": "0x20"}, 5, [told])
    yield Scenario(name, "nothing was deleted", {_DELETED % "a": "0x20"}, 5)
    yield Scenario(name, "the worker was started again", {_DELETED % "a": "57x5 0x20"}, 8)


_PLACE = {"stage": "accounts", "topic": "feedback"}


def _place(metric: str, partition: int = 0, **more: str) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in {**_PLACE, "partition": str(partition), **more}.items())
    return f"candor_{metric}{{{labels}}}"


def lag() -> Iterator[Scenario]:
    for state, summary, minutes in (
        ("stalled", "Workers have 2 partitions of feedback, stage accounts, and do not read on.", 5),
        ("stopped", "No worker has 2 partitions of feedback, stage accounts, where records wait.", 5),
        ("rewound", "Positions went back in 2 partitions of feedback, stage accounts.", 0),
    ):
        name, (bad, well) = f"CandorConsumer{state.capitalize()}", (_place("lag_state", state=state), _place("lag_state", 1, state=state))
        both = {bad: "0x4 1x20", well: "0x4 1x20"}
        yield Scenario(name, "two partitions", both, 5 + minutes, [Firing(_PLACE, summary)])
        yield Scenario(name, "before it began", both, 4)
        yield Scenario(name, "another state", {_place("lag_state", state="ok"): "1x20", bad: "0x20"}, 20)
        if minutes:
            yield Scenario(name, "for a moment", {bad: "0x4 1x3 0x20"}, 10)
    name = "CandorConsumerLagging"
    behind = Firing(_PLACE, "Workers fall behind on feedback, stage accounts: the oldest record waits 30m 0s.", "warning")
    growing, ages = _place("lag_records"), _place("lag_seconds")
    yield Scenario(name, "grows for an hour", {growing: "0+20x60", ages: "0+30x60"}, 60, [behind])
    yield Scenario(name, "large, and falls", {growing: "100000-1000x60", ages: "900x60"}, 50)
    yield Scenario(name, "large, and a minute old", {growing: "100000+1000x60", ages: "60x60"}, 50)
    name, seen = "CandorProbeFailing", 'candor_probe_last_success_timestamp_seconds{source="%s"}'
    blind = "candor lag has not seen %s for 5 minutes: alerts about it cannot fire."
    both = {seen % "kafka": "0+60x60", seen % "clickhouse": "0+60x20 1200x40"}
    yield Scenario(name, "ClickHouse is not seen", both, 35, [Firing({"source": "clickhouse"}, blind % "clickhouse", "warning")])
    yield Scenario(name, "there is no probe", {}, 10, [Firing({"source": "kafka"}, blind % "kafka", "warning")])
    yield Scenario(name, "ClickHouse was seen five minutes ago", both, 25)
    yield Scenario(name, "a probe that leaves ClickHouse alone", {seen % "kafka": "0+60x60"}, 50)


def heartbeat() -> Iterator[Scenario]:
    name, passed, sent = "CandorHeartbeatStale", "candor_heartbeat_timestamp_seconds", "candor_heartbeat_sent_timestamp_seconds"
    minute = {"candor_heartbeat_interval_seconds": "60x90"}
    ago = "the newest that can be queried was sent %s ago."
    away = Firing({"place": "kafka"}, f"Kafka takes no heartbeats: {ago % '12m 0s'}")
    stuck = Firing({"place": "pipeline"}, f"Heartbeats do not get from Kafka to ClickHouse: {ago % '12m 0s'}")
    left = {'candor_lag_records{stage="accounts",topic="operations",partition="0"}': "0x20 1+1x70"}
    behind = {'candor_lag_records{stage="accounts",topic="operations",partition="0"}': "0x20 900000-9000x70"}
    # What the probe sees of Kafka ends with it.
    nobody_knows = {'candor_lag_records{stage="accounts",topic="operations",partition="0"}': "0x20 stale"}
    yield Scenario(
        name, "Kafka is away while nothing comes in", minute | nobody_knows | {passed: "0+60x20 1200x60", sent: "0+60x20 1200x60"}, 32, [away]
    )
    yield Scenario(name, "Kafka took one more than passed", minute | {passed: "0+60x19 1140x60", sent: "0+60x20 1200x60"}, 31, [away])
    yield Scenario(name, "they go in and do not arrive", minute | left | {passed: "0+60x20 1200x60", sent: "0+60x90"}, 32, [stuck])
    refused = {'candor_lag_records{stage="accounts",topic="operations",partition="0"}': "0 1 " * 45}
    yield Scenario(name, "they are read and refused", minute | refused | {passed: "0+60x20 1200x60", sent: "0+60x90"}, 32, [stuck])
    yield Scenario(name, "none ever arrived", minute | {passed: "0x60", sent: "0+60x90"}, 12, [stuck])
    yield Scenario(
        name, "every quarter of an hour, none for an hour", {"candor_heartbeat_interval_seconds": "900x90", passed: "0x90", sent: "0+60x90"}, 60,
        [Firing(stuck.labels, stuck.summary.replace("12m 0s", "1h 0m 0s"))],
    )  # fmt: skip
    yield Scenario(name, "they pass in quiet hours", minute | {passed: "0+60x90", sent: "0+60x90"}, 60)
    yield Scenario(name, "none is sent", {"candor_lag_records": "0x90"}, 60)
    yield Scenario(name, "away for eight minutes", minute | {passed: "0+60x20 1200x8 1740+60x50", sent: "0+60x20 1200x8 1740+60x50"}, 29)
    yield Scenario(name, "they wait behind what workers work on", minute | behind | {passed: "0+60x20 1200x60", sent: "0+60x90"}, 60)
    yield Scenario(
        name, "every quarter of an hour, one on its way", {"candor_heartbeat_interval_seconds": "900x90", passed: "0x30", sent: "0x15 900x30"}, 30
    )  # fmt: skip


_RECORDS = 'candor_records_total{stage="accounts"}'
_LETTERS = 'candor_dead_letters_total{stage="accounts",reason="%s"}'
_SLOW = {'candor_latency_seconds_count{stage="accounts"}': "0+600x%d", 'candor_latency_seconds_bucket{stage="accounts",le="60.0"}': "0+%dx%d"}


def burns() -> Iterator[Scenario]:
    def burning(what: str, long: str, short: str, factor: str, severity: str) -> Firing:
        return Firing({"long": long, "short": short}, f"{what}: over {long} the budget is spent {factor} times too fast.", severity)

    name, what = "CandorDeliveryBudgetBurn", "2% of records become dead letters"
    fast = [burning(what, "1h", "5m", "14.4", "critical"), burning(what, "6h", "30m", "6", "critical"), burning(what, "1d", "2h", "3", "warning")]
    yield Scenario(name, "two in a hundred for 80 minutes", {_RECORDS: "0+600x90", _LETTERS % "malformed": "0+12x90"}, 80, fast)
    what = "0.2% of records become dead letters"
    yield Scenario(
        name,
        "two in a thousand for four hours",
        {_RECORDS: "0+1000x300", _LETTERS % "too_late": "0+2x300"},
        280,
        [burning(what, "3d", "6h", "1", "warning")],
    )
    yield Scenario(name, "one of five in a quiet night", {_RECORDS: "0x10 1 2 3 4 5 5x60", _LETTERS % "malformed": "0x10 0 1 1 1 1 1x60"}, 40)
    yield Scenario(name, "one in a thousand and less", {_RECORDS: "0+2000x300", _LETTERS % "malformed": "0+1x300"}, 280)
    yield Scenario(
        name,
        "it was, and is over",
        {_RECORDS: "0+600x200", _LETTERS % "malformed": "0+12x40 480x160"},
        100,
        [burning("0.8% of records become dead letters", "1d", "2h", "3", "warning")],
    )
    name, what = "CandorFreshnessBudgetBurn", "20% of live records reach the tables after 60 seconds or more"
    late = {series: values % ((90,) if values.count("%") == 1 else (480, 90)) for series, values in _SLOW.items()}
    yield Scenario(
        name,
        "a fifth late for 80 minutes",
        late,
        80,
        [burning(what, *burn) for burn in (("1h", "5m", "14.4", "critical"), ("6h", "30m", "6", "critical"), ("1d", "2h", "3", "warning"))],
    )
    fine = {series: values % ((90,) if values.count("%") == 1 else (597, 90)) for series, values in _SLOW.items()}
    yield Scenario(name, "five in a thousand late", fine, 80)
    yield Scenario(name, "no live records, as in a backfill", dict.fromkeys(_SLOW, "0x90"), 80)


def records() -> Iterator[Scenario]:
    name = "CandorDeadLetterSpike"
    spike = Firing({"stage": "accounts", "reason": "oversize"}, "30 dead letters in 15 minutes, oversize, at stage accounts.", "warning")
    yield Scenario(name, "two a minute", {_LETTERS % "oversize": "0+2x60", _LETTERS % "malformed": "0x60"}, 40, [spike])
    yield Scenario(name, "one a minute", {_LETTERS % "oversize": "0+1x60"}, 40)
    yield Scenario(name, "a burst that is over", {_LETTERS % "oversize": "0x5 100x60"}, 40)
    name = "CandorSchemaDrift"
    drift = Firing(
        {"stage": "accounts", "reason": "unknown_version"},
        "A producer leaves the contract: 3 records in 30 minutes, unknown_version, at stage accounts.", "warning",
    )  # fmt: skip
    yield Scenario(name, "a new version", {_LETTERS % "unknown_version": "0+0.1x60"}, 50, [drift])
    yield Scenario(name, "records that are late or broken", {_LETTERS % "too_late": "0+1x60", _LETTERS % "malformed": "0+1x60"}, 50)
    yield Scenario(name, "a worker that starts", {_LETTERS % "unknown_version": "_x10 0x50"}, 50)
    name, unknown = "CandorUnknownFields", 'candor_unknown_fields_total{stage="accounts"}'
    new = Firing(
        {"stage": "accounts"}, "Events bring fields that are not of the contract, at stage accounts, and the day before brought none.", "warning"
    )
    yield Scenario(name, "since ten minutes", {unknown: "0x100 0+5x60"}, 120, [new])
    yield Scenario(name, "all the time", {unknown: "0+5x400"}, 300)
    yield Scenario(name, "none", {unknown: "0x400"}, 300)
    name, paused = "CandorPaused", 'candor_paused_partitions{stage="accounts",instance="%s"}'
    still = "3 topics and partitions of stage accounts stand still, since most of their records are refused."
    yield Scenario(name, "at two workers", {paused % "a": "0x5 1x20", paused % "b": "0x5 2x20"}, 10, [Firing({"stage": "accounts"}, still)])
    yield Scenario(name, "resumed", {paused % "a": "0x5 1x5 0x20"}, 20)


def sink() -> Iterator[Scenario]:
    name, failures = "CandorSinkFailing", 'candor_sink_failures_total{table="fact_responses",failure="%s",instance="a"}'
    fails = Firing({"table": "fact_responses", "failure": "unavailable"}, "Inserts into fact_responses fail again and again, unavailable.", "warning")
    yield Scenario(name, "again and again", {failures % "unavailable": "0+1x60", failures % "refused": "0x60"}, 30, [fails])
    yield Scenario(name, "once", {failures % "unavailable": "0x10 1x60"}, 30)
    yield Scenario(name, "never", {failures % "unavailable": "0x60"}, 30)
    name, away = "CandorSinkAway", 'candor_sink_away{job="candor-worker",table="%s",instance="%s"}'
    gone = Firing({"job": "candor-worker"}, "ClickHouse does not answer workers of job candor-worker, or takes nothing: inserts into 2 tables wait.")
    waiting = {
        away % ("fact_responses", "a"): "0x3 1x30",
        away % ("fact_responses", "b"): "0x3 1x30",
        away % ("cell_accounts", "a"): "0x3 1x30",
        away % ("fact_cases", "a"): "0x33",
    }
    yield Scenario(name, "two tables of two workers", waiting, 12, [gone])
    yield Scenario(name, "a restart of ClickHouse", {away % ("fact_responses", "a"): "0x3 1x3 0x30"}, 12)
    yield Scenario(name, "it answers", {away % ("fact_responses", "a"): "0x40"}, 30)
    name, labels = "CandorCheckpointStale", '{job="candor-worker",instance="a",stage="accounts"}'
    stale = Firing(
        {"job": "candor-worker", "instance": "a", "stage": "accounts"},
        "The worker at a has committed nothing of stage accounts for 5 minutes, and holds records.",
    )
    commit, held = f"candor_last_commit_timestamp_seconds{labels}", f"candor_uncommitted_records{labels}"
    yield Scenario(name, "records wait", {commit: "0+60x10 600x30", held: "0x10 500x30"}, 25, [stale])
    yield Scenario(name, "it never committed", {commit: "0x30", held: "500x30"}, 20, [stale])
    yield Scenario(name, "nothing to do", {commit: "0+60x10 600x30", held: "0x40"}, 25)
    yield Scenario(name, "busy", {commit: "0+60x40", held: "500x40"}, 25)


def business() -> Iterator[Scenario]:
    name, open_ = "CandorGamingSuspected", 'candor_findings_undecided{detector="%s",state="%s"}'
    told = Firing({"detector": "shared_devices"}, "2 findings of shared_devices make units suspect, and nobody has decided about them.", "warning")
    yield Scenario(
        name, "two of one detector", {open_ % ("shared_devices", "suspect"): "0x5 2x30", open_ % ("fast_forms", "suspect"): "0x35"}, 20, [told]
    )
    yield Scenario(
        name, "one kind of evidence alone", {open_ % ("shared_devices", "investigate"): "4x30", open_ % ("shared_devices", "suspect"): "0x30"}, 20
    )
    yield Scenario(name, "decided", {open_ % ("shared_devices", "suspect"): "2x5 0x30"}, 20)
    name = "CandorScoreDown"
    down_ = Firing({"variant": "raw"}, "NPS (raw) of the newest 28 days is 10 points below the 28 days before: more than chance.", "warning")
    yield Scenario(name, "ten points, intervals of five", _scores(before=40, last=30, half=5, n=1_000), 80, [down_])
    yield Scenario(name, "six points, intervals of five", _scores(before=40, last=34, half=5, n=1_000), 80)
    yield Scenario(name, "up by ten", _scores(before=30, last=40, half=5, n=1_000), 80)
    yield Scenario(name, "too few answers", _scores(before=40, last=-40, half=5, n=99), 80)
    yield Scenario(name, "half an hour", _scores(before=40, last=30, half=5, n=1_000), 30)


def _scores(*, before: int, last: int, half: int, n: int) -> Mapping[str, str]:
    values = {"nps": 0, "nps_low": -half, "nps_high": half}
    series = {
        f'candor_{name}{{window="{window}",variant="raw"}}': f"{nps + shift}x90"
        for window, nps in (("before", before), ("last", last))
        for name, shift in values.items()
    }
    return series | {f'candor_nps_responses{{window="{window}",variant="raw"}}': f"{n}x90" for window in ("before", "last")}


def _windows(last: str, before: str, **values: tuple[int, int]) -> Mapping[str, str]:
    """Two metrics of two windows: value in the last one, and in the one before."""
    return {
        f'candor_{name}{{window="{window}"}}': f"{value}x90"
        for name, pair in values.items()
        for window, value in zip((last, before), pair, strict=True)
    }


def answering() -> Iterator[Scenario]:
    def answers(last: tuple[int, int], before: tuple[int, int]) -> Mapping[str, str]:
        return _windows("last", "before", answered_invitations=(last[0], before[0]), sent_invitations=(last[1], before[1]))

    name = "CandorResponseRateCollapsed"
    told = Firing({}, "Customers answer 40% as often as in the 28 days before: less than half, and more than chance.", "warning")
    yield Scenario(name, "from a fifth to less than a tenth", answers((80, 1_000), (200, 1_000)), 80, [told])
    yield Scenario(name, "nobody answers", answers((0, 400), (80, 400)), 80, [Firing({}, told.summary.replace("40%", "0%"), "warning")])
    yield Scenario(name, "by less than half", answers((110, 1_000), (200, 1_000)), 80)
    yield Scenario(name, "few answers before", answers((1, 100), (4, 100)), 80)
    yield Scenario(name, "few invitations", answers((0, 99), (50, 99)), 80)
    yield Scenario(name, "more invitations, as many who answer", answers((400, 2_000), (200, 1_000)), 80)
    yield Scenario(name, "half an hour", answers((80, 1_000), (200, 1_000)), 30)
    name = "CandorBeggingReported"

    def asked(yes: int, of: int) -> Mapping[str, str]:
        return _windows("last", "before", asked_for_score=(yes, 0), score_questions=(of, 100))

    told = Firing({}, "10% of the customers who were asked about it in the newest 28 days say that somebody wanted a certain score.", "warning")
    yield Scenario(name, "one of ten", asked(50, 500), 30, [told])
    yield Scenario(name, "two of twenty, which may be chance", asked(2, 20), 30)
    yield Scenario(name, "one of a hundred", asked(50, 5_000), 30)
    yield Scenario(name, "nobody was asked about it", asked(0, 0), 30)
    name, overdue = "CandorFollowUpOverdue", 'candor_open_cases{state="%s"}'
    told = Firing({"state": "overdue"}, "3 follow-up cases are open, nobody has contacted the customer, and contact was due.", "warning")
    yield Scenario(name, "three", {overdue % "overdue": "3x90"}, 80, [told])
    yield Scenario(name, "none is overdue", {overdue % "waiting": "30x90", overdue % "contacted": "30x90", overdue % "overdue": "0x90"}, 80)
    yield Scenario(name, "half an hour", {overdue % "overdue": "0x10 3x30 0x60"}, 60)


SCENARIOS: Sequence[Scenario] = (*down(), *fenced(), *deleted(), *lag(), *heartbeat(), *burns(), *records(), *sink(), *business(), *answering())
