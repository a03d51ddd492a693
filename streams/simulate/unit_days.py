"""Days of many units, drawn: clean ones, and such as something is done to."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streams.core.integrity.days import Praise, UnitDays

FIRST_DAY = 20_000


@dataclass(frozen=True)
class Rates:
    """Probability of each sign on a response of a clean unit, and what is true of the whole fleet."""

    top: float = 0.45
    device: float = 0.02
    contact: float = 0.01
    comment: float = 0.02
    fast: float = 0.05
    unasked: float = 0.4
    regret: float = 0.04
    correlation: float = 0.1
    """Of the answers of a unit and day."""
    between: float = 0.0
    """Of the answers of a unit over all days: how much units differ for good."""


def days(
    generator: np.random.Generator, units: int, count: int, responses: float, rates: Rates, raised: Rates | None = None, since: int = 0
) -> Iterator[UnitDays]:
    """``count`` days with a mean of ``responses`` per unit; from day ``since`` on the first half of the units has the ``raised`` rates."""
    gamed = np.arange(units) < units // 2
    signs = ("top", "device", "contact", "comment", "fast", "unasked")
    of_unit = {name: _drawn_rates(generator, np.full(units, getattr(rates, name)), rates.between) for name in signs}

    def share(now: bool, name: str, source: np.random.Generator = generator) -> np.ndarray:
        """Rate of each unit on one day: beta distributed, so that the answers of a day are alike."""
        lifted = getattr(raised, name) - getattr(rates, name) if raised is not None and now else 0.0
        return _drawn_rates(source, np.clip(of_unit[name] + lifted * gamed, 0.001, 0.999), rates.correlation)

    # Apart, so that nothing else is drawn differently for it.
    apart = generator.spawn(1)[0]
    of_unit["regret"] = _drawn_rates(apart, np.full(units, rates.regret), rates.between)
    for day in range(count):
        now = raised is not None and day >= since
        # Overdispersed, but less than the detector of volume allows for.
        number = generator.poisson(generator.gamma(8.0, responses / 8.0, units))
        unit = np.repeat(np.arange(units), number)
        total = len(unit)

        def drawn(name: str, unit: np.ndarray = unit, now: bool = now, total: int = total) -> np.ndarray:
            return np.asarray(generator.random(total) < share(now, name)[unit])

        everything = np.ones(total, np.bool_)
        risky = generator.poisson(0.6, units)
        yield UnitDays(
            day=FIRST_DAY + day,
            units=units,
            unit=unit,
            top_box=drawn("top"),
            expected_top=np.full(total, rates.top),
            personal=everything,
            device_known=everything,
            device_repeated=drawn("device"),
            contact_known=everything,
            contact_suspect=drawn("contact"),
            comment_told=generator.random(total) < 0.5,
            comment_suspect=drawn("comment"),
            duration_known=everything,
            fast=drawn("fast"),
            expected_fast=np.full(total, rates.fast),
            opportunities=np.ones(units),
            swelling=np.ones(units),
            risky=risky,
            risky_unasked=generator.binomial(risky, share(now, "unasked")),
            asked_share=np.full(units, 1 - rates.unasked),
            pushing=np.full(units, day % 30 >= 25),
            praise=_praise(apart, share(now, "regret", apart), share(False, "regret", apart), responses),
        )


def _praise(generator: np.random.Generator, top: np.ndarray, others: np.ndarray, answers: float) -> Praise:
    """As many top scores as others, and how many are regretted at these rates."""
    praised, rest = (generator.poisson(answers / 2, len(top)) for _ in range(2))
    return Praise(praised, generator.binomial(praised, top), rest, generator.binomial(rest, others))


def _drawn_rates(generator: np.random.Generator, means: np.ndarray, correlation: float) -> np.ndarray:
    """Rates around the means, beta distributed, so that what is drawn with one of them is correlated."""
    if not correlation:
        return means
    size = 1 / correlation - 1
    return np.clip(generator.beta(means * size, (1 - means) * size), 1e-6, 1 - 1e-6)
