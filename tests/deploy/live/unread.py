"""Records that wait and are not read: workers do not reach Kafka, and retention takes what was not read."""

from contextlib import closing

from kafka import KafkaAdminClient, TopicPartition

from schemas.enums import Stage, Topic
from tests.conftest import wait_for
from tests.deploy.live.stack import Stack, response
from tests.web import text_of

_COMMITTED = f'candor_committed_offset{{stage="{Stage.ACCOUNTS}",topic="{Topic.FEEDBACK}"}}'
_TO_THE_END = -1
"""To whoever deletes records: all that there are."""
_LOST = range(4_000_000, 4_000_040)


def lead_workers_astray(stack: Stack) -> None:
    """One after the other is started anew, with an address of Kafka at which nobody answers."""
    for number, port in enumerate(stack.worker_ports):
        stack.running(number).kill()
        stack.start_worker(number, CANDOR_KAFKA_BOOTSTRAP_SERVERS=stack.silence)
        wait_for(lambda port=port: text_of(f"http://127.0.0.1:{port}/live") is not None, 60, stack.explain)  # type: ignore[misc]


def delete_unread(stack: Stack) -> None:
    """Answers come while no worker runs, and Kafka deletes them before one does; what nothing was read of yet would not be told."""
    wait_for(lambda: [offset > 0 for _, offset in stack.query(_COMMITTED)] == [True] * stack.partitions, 60, stack.explain)
    for number in range(len(stack.workers)):
        stack.running(number).kill()
    send_lost(stack)
    with closing(KafkaAdminClient(bootstrap_servers=stack.bootstrap_servers)) as client:
        client.delete_records({TopicPartition(stack.prefix + Topic.FEEDBACK, partition): _TO_THE_END for partition in range(stack.partitions)})
    for number in range(len(stack.workers)):
        stack.start_worker(number)
    # Before, nobody can know.
    stack.wait_until_ready()


def send_lost(stack: Stack) -> None:
    """As the producer can, who has kept them."""
    stack.send(Topic.FEEDBACK, map(response, _LOST))


def has_what_was_lost(stack: Stack) -> None:
    """Every answer that was deleted counts."""
    with stack.connected() as clickhouse:
        lost = ", ".join(f"'live-{number}'" for number in _LOST)
        assert clickhouse.command(f"SELECT count() FROM responses WHERE response_id IN ({lost})") == str(len(_LOST))
