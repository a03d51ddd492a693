"""Gaming of who is asked."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from benchmarks.integrity.events import Event, is_submission, midnight
from benchmarks.integrity.injectors.protocol import arriving, chance, hashed, top
from schemas.enums import ContactClass, FeedbackType, InvitationType, SuppressionReason, Topic, TransactionType


def pick_cherries(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Four in five customers who had trouble are not asked: three of five are left out by hand, the others' contacts are misreported and bounce."""
    since = midnight(from_day)
    troubled = {
        event.fields["transaction_id"]: (rng.random(), rng.random())
        for event in events
        if event.fields.get("unit_id") == unit and event.type == TransactionType.COMPLETED and event.fields.get("risk_flags") and event.at >= since
    }
    kept_out = {name: draws[1] for name, draws in troubled.items() if draws[0] < min(0.3 + 0.5 * strength, 0.95)}
    silent = {
        event.fields["invitation_id"] for event in events if event.topic is Topic.INVITATIONS and event.fields.get("transaction_id") in kept_out
    }
    after = []
    for event in events:
        if event.topic is Topic.INVITATIONS and event.fields["invitation_id"] in silent and event.type == InvitationType.SENT:
            if kept_out[event.fields["transaction_id"]] < 0.6:
                reason = SuppressionReason.MANUAL.value
                after.append(event.changed(event_type=InvitationType.SUPPRESSED.value, suppression_reason=reason, suppressed_by=f"e-{unit}"))
            else:
                bounce = {"event_id": f"{event.fields['event_id']}-bounced", "event_type": InvitationType.BOUNCED.value}
                after += [event, event.moved(event.at + timedelta(minutes=2), **bounce)]
        elif event.topic is not Topic.FEEDBACK or event.fields.get("invitation_id") not in silent:
            after.append(event)
    return arriving(after)


def hijack(events: Sequence[Event], unit: str, from_day: date, strength: float, rng: np.random.Generator) -> list[Event]:
    """Every third invitation goes to an address of the unit, where staff answer it with the top score, at one of two devices."""
    since = midnight(from_day)
    led_away = {
        event.fields["invitation_id"]: event
        for event in events
        if event.fields.get("unit_id") == unit and event.type == InvitationType.SENT and event.at >= since and rng.random() < chance(0.35, strength)
    }
    contact = {"contact_class": ContactClass.STAFF.value, "contact_hash": hashed("contact", unit)}
    after, answered = [], set()
    for event in events:
        invitation = str(event.fields.get("invitation_id"))
        if invitation not in led_away:
            after.append(event)
        elif event.type == InvitationType.BOUNCED:
            continue
        elif is_submission(event):
            answered.add(invitation)
            after.append(event.changed(**contact, score=top(event), device_hash=_device(unit, invitation), ip_prefix_hash=hashed("network", unit)))
        else:
            after.append(event.changed(**contact) if "contact_hash" in event.fields else event)
    forms = {event.fields["survey_id"]: event for event in events if is_submission(event)}
    unanswered = [sent for name, sent in led_away.items() if name not in answered and sent.fields.get("survey_id") in forms]
    return arriving([*after, *(_answer(sent, forms[sent.fields["survey_id"]], contact, rng) for sent in unanswered)])


def _answer(sent: Event, form: Event, contact: dict[str, str], rng: np.random.Generator) -> Event:
    """What staff answer to an invitation that its customer would have left unanswered; ``form``: any answer to the same survey."""
    scale = {name: form.fields.get(name) for name in ("metric", "scale_min", "scale_max")}
    name, unit = sent.fields["invitation_id"], sent.fields["unit_id"]
    fields = {
        "event_id": f"e-{name}-led-away", "event_type": FeedbackType.SUBMITTED.value, "response_id": f"{name}-led-away", "revision": None,
        "inclusion_probability": None, **scale, "score": top(form), "duration_ms": int(rng.lognormal(9.8, 0.55)),
        "device_hash": _device(unit, name), "ip_prefix_hash": hashed("network", unit), **contact,
    }  # fmt: skip
    at = sent.at + timedelta(hours=float(min(rng.lognormal(2.4, 1.1), 28 * 24)))
    moved = sent.moved(at, **fields)
    return Event(Topic.FEEDBACK, moved.arrived_at, moved.fields)


def _device(unit: str, invitation: str) -> str:
    """One of two, by the invitation."""
    return hashed("hijack", unit, int(hashed(invitation)[-1], 16) % 2)
