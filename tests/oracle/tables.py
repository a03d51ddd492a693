"""Everything at once: what every view must hold for a list of records."""

from collections.abc import Iterable

from tests.oracle import facts, loyalty
from tests.oracle.accept import accept
from tests.oracle.accounts import accounts
from tests.oracle.records import Catalog, Horizons, Record, Rows

VIEWS = (
    "responses",
    "transactions",
    "invitations",
    "communications",
    "cases",
    "outcomes",
    "operations",
    "dead_letters",
    "loyalty_daily",
    "loyalty_by_unit",
    "loyalty_by_channel",
    "loyalty_total",
    "accounts",
)


def tables(records: Iterable[Record], catalog: Catalog | None = None, horizons: Horizons | None = None) -> dict[str, Rows]:
    """The rows of every view by name, each by its business key; records of a topic and partition count in the order of their offsets."""
    catalog = catalog or Catalog()
    accepted = accept(records, catalog, horizons or Horizons())
    events = accepted.events
    plain = {"cases" if topic == "actions" else topic: facts.facts(events, topic, key, catalog) for topic, key in facts.KEYS.items()}
    counted = loyalty.counted_responses(events, catalog)
    return plain | {
        "responses": facts.responses(events, catalog),
        "transactions": facts.transactions(events, catalog),
        "dead_letters": facts.dead_letters(accepted.dead_letters),
        "loyalty_daily": loyalty.daily(counted),
        "loyalty_by_unit": loyalty.by_unit(counted),
        "loyalty_by_channel": loyalty.by_channel(counted),
        "loyalty_total": loyalty.total(counted),
        "accounts": accounts(events, catalog),
    }
