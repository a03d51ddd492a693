"""A receiver of Alertmanager's notifications."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True, slots=True)
class Notification:
    """One alert of one notification, as a receiver hears of it."""

    receiver: str
    alert: str
    severity: str
    firing: bool


class Webhook:
    """Listens on a port of its own; Alertmanager posts to ``url`` + the name of the receiver."""

    def __init__(self) -> None:
        self._heard: list[Notification] = []
        heard = self._heard

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Keep what is told."""
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                heard.extend(_notifications(told))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, name="webhook", daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def heard(self) -> list[Notification]:
        """All so far, in the order of arrival."""
        return list(self._heard)


def _notifications(told: dict[str, object]) -> Iterator[Notification]:
    alerts = told["alerts"]
    assert isinstance(alerts, list)
    for alert in alerts:
        labels = alert["labels"]
        yield Notification(str(told["receiver"]), labels["alertname"], labels["severity"], alert["status"] == "firing")
