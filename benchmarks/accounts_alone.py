"""A worker without the units stage, to know what that stage costs: ``python -m benchmarks.accounts_alone``."""

from schemas.enums import Stage
from sinks.clickhouse import connect
from streams.core.accounts import AccountsStages
from streams.kafka.worker import run_worker
from streams.logs import configure_logs
from streams.settings import load_settings
from streams.stages import catalog_of


def main() -> None:
    """Runs it until told to stop; settings are those of ``candor worker``."""
    settings = load_settings()
    configure_logs(settings)
    catalog = catalog_of(settings)
    run_worker(settings, {Stage.ACCOUNTS: lambda _: AccountsStages(catalog)}, connect(settings.clickhouse_url.get_secret_value()))


if __name__ == "__main__":
    main()
