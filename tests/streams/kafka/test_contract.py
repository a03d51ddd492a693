"""What we lean on in Faust and aiokafka. Fails when a release moves it, before a worker finds out.

Read the message of a failing test as: look at ``streams/kafka/transport.py`` and ``app.py`` again with the new sources beside them.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from importlib.metadata import version
from types import FunctionType

import aiokafka
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, Subscription, SubscriptionState
from faust.app.base import App, BootStrategy
from faust.assignor.partition_assignor import PartitionAssignor
from faust.streams import Stream
from faust.tables.recovery import Recovery
from faust.transport.base import Transport
from faust.transport.consumer import Consumer, ThreadDelegateConsumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.transport.drivers.aiokafka import Consumer as DriverConsumer
from faust.types import ConsumerMessage


def parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


def calls(function: Callable[..., object]) -> list[str]:
    """What a function calls, by its last name, in the order of the source; ``T(f)(x)``, Faust's tracing, counts as a call of ``f``."""
    assert isinstance(function, FunctionType)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    found = []
    for node in sorted((node for node in ast.walk(tree) if isinstance(node, ast.Call)), key=lambda node: (node.lineno, node.col_offset)):
        called: ast.expr = node.func
        if isinstance(called, ast.Name) and called.id == "T" and node.args:
            called = node.args[0]
        if isinstance(called, ast.Attribute | ast.Name):
            owner = called.value.attr if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Attribute) else ""
            name = called.attr if isinstance(called, ast.Attribute) else called.id
            found.append(f"{owner}.{name}" if owner else name)
    return found


def in_order(names: list[str], *wanted: str) -> bool:
    """Whether the wanted names are among the names, in this order."""
    remaining = iter(names)
    return all(name in remaining for name in wanted)


def test_versions_are_those_that_were_read() -> None:
    assert version("faust-streaming").startswith("0.15.")
    assert aiokafka.__version__.startswith("0.14.")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (AIOKafkaConsumerThread._create_worker_consumer, ["self", "transport"]),
        (AIOKafkaConsumerThread._fetch_records, ["self", "consumer", "active_partitions", "timeout", "max_records"]),
        (AIOKafkaConsumerThread.__post_init__, ["self"]),
        (AIOKafkaConsumerThread._ensure_consumer, ["self"]),
        (AIOKafkaConsumerThread.call_thread, ["self", "fun", "args", "kwargs"]),
        (DriverConsumer._new_consumer_thread, ["self"]),
        (DriverConsumer._to_message, ["self", "tp", "record"]),
        (DriverConsumer.verify_event_path, ["self", "now", "tp"]),
        (Consumer.commit, ["self", "topics", "start_new_transaction"]),
        (Consumer.perform_seek, ["self"]),
        (Consumer.wait_empty, ["self"]),
        (Consumer.pause_partitions, ["self", "tps"]),
        (Consumer.resume_partitions, ["self", "tps"]),
        (ThreadDelegateConsumer._commit, ["self", "offsets"]),
        (ThreadDelegateConsumer.highwater, ["self", "tp"]),
        (App.on_first_start, ["self"]),
        (Fetcher.fetched_records, ["self", "partitions", "timeout", "max_records"]),
        (SubscriptionState.seek, ["self", "tp", "offset"]),
    ],
)
def test_signatures_that_we_override_or_call(function: Callable[..., object], expected: list[str]) -> None:
    assert parameters(function) == expected


def test_every_field_of_a_message_that_we_fill() -> None:
    wanted = {"topic", "partition", "offset", "timestamp", "timestamp_type", "headers", "key", "value", "checksum", "tp", "generation_id"}
    assert wanted <= set(parameters(ConsumerMessage))


def test_every_commit_of_faust_ends_in_what_we_made_a_no_op() -> None:
    """Only ``commit`` reaches ``force_commit``, only that ``_commit_tps``, and so on down to ``_commit``."""
    source = inspect.getsource(Consumer)
    assert source.count("self.force_commit(") == 1
    assert source.count("self._commit_tps(") == 1
    assert source.count("self._commit_offsets(") == 1
    assert source.count("self._commit(") == 1
    assert in_order(calls(Consumer.commit), "force_commit")
    assert "_consumer.commit" not in inspect.getsource(App)


def test_with_acks_off_faust_keeps_no_account_of_offsets() -> None:
    source = inspect.getsource(Consumer.ack)
    assert source.index("acks_enabled_for") < source.index("acked_index = self._acked_index[tp]")
    assert "if acks_enabled:" in inspect.getsource(Consumer._drain_messages)


def test_after_a_rebalance_the_shell_is_told_then_asked_for_positions_then_records_flow() -> None:
    assert in_order(calls(Recovery._resume_streams), "on_rebalance_complete.send", "resume_partitions", "perform_seek", "resume_flow")


def test_without_tables_streams_resume_at_once() -> None:
    source = inspect.getsource(Recovery._restart_recovery.fun)
    assert source.index("if not self.tables") < source.index("self._resume_streams") < source.index("_build_highwaters")


def test_before_a_rebalance_the_flow_stops_before_the_shell_is_told() -> None:
    assert in_order(calls(App._on_partitions_revoked), "stop_flow", "flow_control.suspend", "on_partitions_revoked.send")


def test_records_flow_from_the_thread_through_the_scheduler_to_messages() -> None:
    assert in_order(calls(Consumer.getmany), "_wait_next_records", "scheduler.iterate", "to_message")
    assert "self._fetch_records" in inspect.getsource(AIOKafkaConsumerThread.getmany)
    assert "self.Consumer(" in inspect.getsource(Transport.create_consumer)


def test_what_is_full_is_not_fetched_and_what_was_fetched_for_it_is_delivered() -> None:
    """Back-pressure holds the agent; pausing a partition would drop what is on its way, so it is used only where we read again."""
    assert "self._buffered_partitions.add" in inspect.getsource(Consumer.on_buffer_full)
    assert "tp in self._buffered_partitions" in inspect.getsource(Consumer.getmany)


def test_taking_records_has_no_await_between_the_last_pop_and_its_return() -> None:
    """Positions are read right after it, in the same turn of the loop."""
    source = inspect.getsource(Fetcher.fetched_records)
    before_return = source[source.index("drained = {}") : source.index("return drained\n\n            waiter")]
    assert "await" not in before_return
    assert "state.consumed_to" in inspect.getsource(aiokafka.consumer.fetcher.FetchResult)


def test_an_assignment_is_a_new_object_with_states_that_have_positions() -> None:
    assert "Assignment(" in inspect.getsource(Subscription._assign)
    assert "_tp_state" in inspect.getsource(Assignment.__init__)
    assert parameters(Assignment.state_value) == ["self", "tp"]


def test_without_a_reset_policy_a_position_that_is_not_there_is_an_error() -> None:
    source = inspect.getsource(Fetcher._proc_fetch_request)
    assert "OffsetOutOfRangeError({tp: fetch_offset})" in source
    assert "NoOffsetForPartitionError(tp)" in inspect.getsource(Fetcher._update_fetch_positions)


def test_heartbeats_go_on_while_partitions_are_being_revoked() -> None:
    assert in_order(
        calls(GroupCoordinator.ensure_active_group), "_on_join_prepare", "_stop_heartbeat_task", "_do_rejoin_group", "_start_heartbeat_task"
    )


def test_partitions_of_topics_with_equal_subscribers_are_assigned_together() -> None:
    assert in_order(calls(PartitionAssignor._perform_assignment), "_get_copartitioned_groups", "CopartitionedAssignor")


def test_streams_can_do_without_acks_and_apps_without_producers() -> None:
    assert parameters(Stream.noack) == ["self"]
    assert parameters(Stream.events) == ["self"]
    assert hasattr(BootStrategy, "enable_kafka_producer")
