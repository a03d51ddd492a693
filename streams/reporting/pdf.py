"""The report as PDF, printed by a Chromium that is on this machine."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from streams.errors import ConfigurationError, DependencyUnavailable

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 120


def find_browser() -> str:
    """The path of a Chromium; raises ``ConfigurationError`` where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise ConfigurationError(
            "--format pdf needs Chromium, and none is found: install it (Debian: apt-get install chromium), or print the HTML from a browser"
        )
    return found


def print_pdf(browser: str, page: Path, to: Path) -> None:
    """Print a page to a PDF file; raises ``DependencyUnavailable`` with what the browser said where it does not."""
    with tempfile.TemporaryDirectory(prefix="candor-report-") as profile:
        # The sandbox cannot be set up by root, as in most containers; the page has no script, and asks nobody for anything.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments = [browser, "--headless", "--disable-gpu", *sandbox, f"--user-data-dir={profile}", "--no-pdf-header-footer"]
        try:
            done = subprocess.run(
                [*arguments, f"--print-to-pdf={to.resolve()}", page.resolve().as_uri()], capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise DependencyUnavailable(f"{browser} did not print the report within {_SECONDS} s") from None
    if done.returncode != 0 or not to.exists():
        said = done.stderr.strip().splitlines()
        raise DependencyUnavailable(f"{browser} did not print the report: {said[-1] if said else f'exit code {done.returncode}'}")
