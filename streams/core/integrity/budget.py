"""How the false alarms that a company tolerates are shared out among those who look for gaming.

The catalog names one budget, over everything that is looked at. Whoever looks gets a part of it, so that all together keep it.
"""

UNITS = 0.75
"""Of single units, day by day."""
PLANS = 0.2
"""Of incentive plans, over all their units."""
FLEET = 0.05
"""Of the fleet as a whole."""


def ticks(false_alarm_days: float, share: float, watched: int) -> float:
    """Returns the least expected number of days until one of so many ``watched`` raises a false alarm, for those who get ``share`` of the budget."""
    return false_alarm_days / share * max(watched, 1)
