"""The topics, in one table: creation, documentation and subscriptions are made from it."""

from dataclasses import dataclass

from schemas.enums import Stage, Topic

DAY_MS = 86_400_000
MAX_VALUE_BYTES = 1_048_576
"""Largest value of a record that can be used; a larger one is a dead letter."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: what it carries and how it is kept. ``retention_ms`` -1 keeps for ever.

    Kafka counts retention from the timestamps of the records. Event files, imports and replays bring timestamps of the past, which a limit would
    delete before they are read; so the inputs have none unless one is set.
    """

    name: str
    carries: str
    written_by: str
    key: str
    compacted: bool = False
    retention_ms: int = -1
    max_message_bytes: int = 2 * MAX_VALUE_BYTES


DEAD_LETTERS = TopicSpec(
    # Inputs limit the compressed size of a batch; what is refused is written as it was, and may be many times larger.
    "dead_letters",
    "what could not be used",
    "Candor",
    "key of the refused record",
    retention_ms=90 * DAY_MS,
    max_message_bytes=64 * MAX_VALUE_BYTES,
)
SIGNALS = TopicSpec(
    "signals",
    "what the accounts stage tells the units stage about each unit; MessagePack, of use to nobody else",
    "Candor",
    "unit_id; none where it goes to every partition",
    retention_ms=7 * DAY_MS,
)
ADJUDICATIONS = TopicSpec("adjudications", "what people decided about findings", "candor findings adjudicate", "unit_id")
INPUTS: dict[Topic, TopicSpec] = {
    topic: TopicSpec(topic.value, carries, written_by, "account_id")
    for topic, carries, written_by in (
        (Topic.FEEDBACK, "survey responses, reviews, ratings", "survey tools"),
        (Topic.TRANSACTIONS, "purchases, refunds", "billing, shop, till"),
        (Topic.INVITATIONS, "what happened to each chance to ask", "survey distribution"),
        (Topic.COMMUNICATIONS, "messages sent to customers", "CRM, marketing"),
        (Topic.ACTIONS, "follow-up cases", "service desk"),
        (Topic.OUTCOMES, "value that the customer got", "customer success"),
        (Topic.OPERATIONS, "operational measurements (wait, delay, defects)", "operations"),
    )
}
CHECKPOINTS: dict[Stage, TopicSpec] = {
    stage: TopicSpec(
        f"checkpoint.{stage}",
        f"compacted state of the {stage} stage",
        "Candor",
        "table and segment",
        compacted=True,
    )
    for stage in Stage
}
READ: dict[Stage, tuple[str, ...]] = {Stage.ACCOUNTS: tuple(Topic), Stage.UNITS: (SIGNALS.name, ADJUDICATIONS.name)}
"""Topics that each stage reads, without the prefix."""
ALL: tuple[TopicSpec, ...] = (*INPUTS.values(), ADJUDICATIONS, SIGNALS, *CHECKPOINTS.values(), DEAD_LETTERS)
"""Every topic that Candor needs; all have the same number of partitions."""


def consumer_group(group: str, stage: Stage) -> str:
    """The consumer group of a stage; the accounts stage has that of the settings itself, since it is the one that reads what others send."""
    return group if stage is Stage.ACCOUNTS else f"{group}.{stage}"
