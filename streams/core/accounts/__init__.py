"""The accounts stage: dedupe, join per account, classify, daily partial sums."""

from streams.core.accounts.stage import AccountsStage, AccountsStages
from streams.core.accounts.state import Horizons

__all__ = ["AccountsStage", "AccountsStages", "Horizons"]
