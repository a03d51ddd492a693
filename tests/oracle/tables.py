"""Everything at once: what every view must hold for a list of records."""

from collections.abc import Iterable

from tests.oracle import asking, facts, loyalty
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
    "invitation_outcomes",
    "accounts",
)


def tables(
    records: Iterable[Record], catalog: Catalog | None = None, horizons: Horizons | None = None, flags: facts.Flags | None = None
) -> dict[str, Rows]:
    """The rows of every view by name, each by its business key; records of a topic and partition count in the order of their offsets.

    What is flagged is given: what the detectors make of it is not the oracle's to say.
    """
    flags = flags or {}
    catalog = catalog or Catalog()
    accepted = accept(records, catalog, horizons or Horizons())
    events = accepted.events
    plain = {"cases" if topic == "actions" else topic: facts.facts(events, topic, key, catalog) for topic, key in facts.KEYS.items()}
    counted = loyalty.counted_responses(events, catalog, flags)
    asked = asking.invitations_asked(events, catalog)
    return plain | {
        "responses": facts.responses(events, catalog, flags),
        "transactions": facts.transactions(events, catalog),
        "dead_letters": facts.dead_letters(accepted.dead_letters),
        "loyalty_daily": loyalty.daily(counted),
        "loyalty_by_unit": asking.with_response_rates(loyalty.by_unit(counted), asked, lambda one: (one.event.fields["unit_id"],)),
        "loyalty_by_channel": asking.with_response_rates(loyalty.by_channel(counted), asked, lambda one: (one.event.fields["channel"],)),
        "loyalty_total": asking.with_response_rates(loyalty.total(counted), asked, lambda _: ()),
        "invitation_outcomes": asking.outcomes(asked),
        "accounts": accounts(events, catalog),
    }
