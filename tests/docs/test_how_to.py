"""The how-to pages are followed from top to bottom, each with topics and tables of its own, on a real broker and the real engine."""

from pathlib import Path

import pytest

from streams.broker import LocalBroker
from tests.docs.blocks import Block, blocks_of
from tests.docs.shell import Shell, follow
from tests.docs.site import DOCS

PAGES = sorted(path for path in (DOCS / "how-to").glob("*.md") if blocks_of(path))
EXECUTED: list[Block] = [block for page in PAGES for block in blocks_of(page)]
"""All that is followed here."""


@pytest.fixture
def shell(broker: LocalBroker, clickhouse_url: str, topic_prefix: str, tmp_path: Path) -> Shell:
    """A shell with a broker and a ClickHouse, in which nothing is yet."""
    return Shell(
        tmp_path,
        {
            "CANDOR_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "CANDOR_CLICKHOUSE_URL": clickhouse_url,
            "CANDOR_TOPIC_PREFIX": topic_prefix,
            "CANDOR_GROUP": topic_prefix.rstrip("."),
            "CANDOR_IDLE_SECONDS": "1",
        },
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_followed(page: Path, shell: Shell) -> None:
    with shell:
        follow(shell, blocks_of(page))
