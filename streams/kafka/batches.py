"""What travels through Faust: one event per partition and poll, whose value is a whole batch."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import faust
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP, AppT, EventT, Message

from streams.core.batch import SourceRecord


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, and where reading stood before and after them.

    ``ticket`` names the seek that reading goes back to. Of one ticket, each batch starts where the one before it ended: what was
    read before the seek, and what got lost on the way, can so be told from what is wanted. Between two positions
    offsets may be missing (compaction, transaction markers), so offsets alone could not tell.
    """

    topic: str
    partition: int
    ticket: int
    start: int
    end: int
    records: Sequence[SourceRecord]
    size: int
    """About how many bytes it holds in memory."""
    number: int
    """Grows from batch to batch over all partitions: the order in which they were taken."""


class BatchScheduler(DefaultSchedulingStrategy):
    """Hands over what the consumer thread took, one event per partition and poll."""

    def __init__(self) -> None:
        """Keeps nothing."""

    def iterate(self, records: Mapping[TP, list[Batch]]) -> Iterator[tuple[TP, Batch]]:
        """Each batch with its partition."""
        for partition, batches in records.items():
            for batch in batches:
                yield partition, batch


Decode = Callable[..., Awaitable[EventT[object]]]


class BatchSchema(faust.Schema[object, Batch]):
    """Leaves the batch as it is: bytes are decoded in the core, a batch at a time, and a bad record is a value there."""

    def compile(
        self, app: AppT, *, on_key_decode_error: object = None, on_value_decode_error: object = None, default_propagate: bool = False
    ) -> Decode:
        """The function that Faust calls for each message."""
        del on_key_decode_error, on_value_decode_error, default_propagate

        async def decode(message: Message, *, propagate: bool = False) -> EventT[object]:
            del propagate
            return app.create_event(None, message.value, None, message)

        return decode
