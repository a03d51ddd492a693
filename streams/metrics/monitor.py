"""What a worker is watched by: its metrics, its health, and the address that serves both."""

from dataclasses import dataclass, field

import structlog

from streams.metrics.health import Health
from streams.metrics.server import MetricsServer
from streams.metrics.worker import WorkerMetrics
from streams.settings import Settings

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Monitor:
    """The metrics and the health of one process."""

    metrics: WorkerMetrics = field(default_factory=WorkerMetrics)
    health: Health = field(default_factory=Health)
    server: MetricsServer | None = None

    @classmethod
    def start(cls, settings: Settings) -> "Monitor":
        """Served where the settings name a port; raises ``ConfigurationError`` where that cannot be had."""
        metrics, health = WorkerMetrics(), Health()
        if settings.metrics_port is None:
            return cls(metrics, health)
        server = MetricsServer(metrics.registry, health, settings.metrics_host, settings.metrics_port)
        _log.info("metrics_served", host=settings.metrics_host, port=server.port)
        return cls(metrics, health, server)
