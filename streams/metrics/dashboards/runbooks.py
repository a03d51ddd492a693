"""Where a panel leads to when an alert about it fires."""

from collections.abc import Sequence

from streams.metrics.alerts import ALERTS

_PAGES = {alert.name: alert.runbook for alert in ALERTS}


def runbooks(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Alerts, and where the page about each is; raises ``KeyError`` for one that there is not."""
    return tuple((name, _PAGES[name]) for name in names)
