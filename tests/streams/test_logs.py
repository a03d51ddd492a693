"""Logs of ours and of libraries look alike, and tracebacks show no values."""

import json
import logging
import os
import subprocess
import sys

import pytest

from streams.logs import _are_colours_wanted, _Seldom

PROGRAM = """
import logging, structlog
from streams.logs import configure_logs
from streams.settings import load_settings
configure_logs(load_settings())
structlog.get_logger("ours").info("started", n=1)
structlog.get_logger("ours").debug("hidden")
logging.getLogger("theirs").warning("slow %s", "disk")
logging.getLogger("theirs").info("hidden")
def fail(words):
    raise ValueError("refused")
try:
    fail("what a customer wrote")
except ValueError:
    structlog.get_logger("ours").exception("failed")
"""


def _logged(log_format: str) -> str:
    environment = {**os.environ, "CANDOR_LOG_FORMAT": log_format}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == ""
    return done.stderr


def test_json_is_one_object_a_line() -> None:
    lines = [json.loads(line) for line in _logged("json").splitlines()]

    assert [(line["event"], line["level"]) for line in lines] == [("started", "info"), ("slow disk", "warning"), ("failed", "error")]
    assert lines[0]["n"] == 1
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert "ValueError: refused" in lines[2]["exception"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tracebacks_show_no_local_variables(log_format: str) -> None:
    logged = _logged(log_format)

    assert "ValueError: refused" in logged
    assert "words =" not in logged
    assert "hidden" not in logged


def test_a_library_says_the_same_once_in_ten_seconds() -> None:
    seldom = _Seldom("aiokafka")

    def told(library: str, message: str, at: float) -> bool:
        record = logging.makeLogRecord({"name": library, "msg": message, "created": at})
        return seldom.filter(record)

    assert [told("aiokafka.conn", "no %s", at) for at in (100.0, 105.0, 109.9, 110.0)] == [True, False, False, True]
    assert told("aiokafka.conn", "another", 105.0)
    assert [told("streams.kafka", "ours", at) for at in (100.0, 100.1)] == [True, True]


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours_unless_they_are_not_wanted(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    assert _are_colours_wanted() is coloured


def test_a_pipe_gets_no_colours() -> None:
    assert "\x1b" not in _logged("console")
