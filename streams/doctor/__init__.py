"""What Candor needs, checked: every finding says what is there and, where it is not well, what to do."""

from collections.abc import Iterator

from streams.doctor.clickhouse import check_clickhouse
from streams.doctor.finding import Finding, State
from streams.doctor.kafka import check_kafka
from streams.doctor.local import check_catalog, check_environment, check_versions
from streams.settings import Settings

__all__ = ["Finding", "State", "examine"]


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, as they are made; nothing is raised for what is wrong. A table is made and dropped in ClickHouse; nothing else is changed."""
    yield from check_versions()
    yield from check_environment()
    yield from check_catalog(settings)
    yield from check_kafka(settings)
    yield from check_clickhouse(settings)
