"""What is done to units: pure functions over events, for streams of any origin. A new one is a function and a line here."""

from benchmarks.integrity.injectors import asking, benign, fakes, influence
from benchmarks.integrity.injectors.protocol import Inject, Injector, Kind

_TRACES = frozenset({"device_hash", "duration_ms"})

INJECTORS = (
    Injector("begging", Kind.ATTACK, influence.beg),
    Injector("bribing", Kind.ATTACK, influence.bribe),
    Injector("ballot_stuffing", Kind.ATTACK, fakes.stuff, _TRACES),
    Injector("stealth_stuffing", Kind.ATTACK, fakes.stuff_stealthily),
    Injector("coached_text", Kind.ATTACK, influence.coach, frozenset({"comment"})),
    Injector("cherry_picking", Kind.ATTACK, asking.pick_cherries, frozenset({"risk_flags", "invitation_id"})),
    Injector("contact_hijack", Kind.ATTACK, asking.hijack, frozenset({"contact_hash", "invitation_id", "device_hash"})),
    Injector("staff_fills", Kind.ATTACK, influence.fill_in, _TRACES),
    Injector("month_end_push", Kind.ATTACK, influence.push, units=5, in_plan=True),
    Injector("always_begging", Kind.ATTACK, influence.beg, from_first_day=True),
    Injector("always_stuffing", Kind.ATTACK, fakes.stuff, _TRACES, from_first_day=True),
    Injector("rater_ring", Kind.ATTACK, fakes.rate_in_a_ring, units=4, over_units=True),
    Injector("nothing", Kind.CONFOUNDER, benign.leave),
    Injector("genuine_improvement", Kind.CONFOUNDER, benign.improve),
    Injector("campaign_surge", Kind.CONFOUNDER, benign.campaign),
    Injector("kiosk", Kind.CONFOUNDER, benign.kiosk, frozenset({"device_hash", "duration_ms", "transaction_id"})),
    Injector("shared_network", Kind.CONFOUNDER, benign.share_network, frozenset({"ip_prefix_hash", "device_hash"})),
    Injector("outage", Kind.CONFOUNDER, benign.fail),
    Injector("survey_redesign", Kind.CONFOUNDER, benign.redesign),
)
STRENGTHS = (0.25, 0.5, 1.0, 2.0)

__all__ = ["INJECTORS", "STRENGTHS", "Inject", "Injector", "Kind"]
