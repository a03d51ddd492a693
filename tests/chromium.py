"""A real Chromium, driven by tests: pages as people see them, with everything that they say and ask for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

from streams.reporting import find_browser

PICTURES = Path(__file__).parents[1] / "build" / "pictures"
"""Where tests leave pictures, for people to look at."""
DESK, PHONE = 1100, 390
"""Widths in pixels."""
Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page that is open, what it said, and whom it asked for what."""

    page: Page
    said: list[str] = field(default_factory=list)
    """Messages of the console, of any level, and errors of scripts."""
    asked: list[str] = field(default_factory=list)
    """Everything that was asked for, whether it was allowed or not."""

    def violations(self) -> list[str]:
        """What axe-core finds wrong, with the elements."""
        self.page.evaluate(AXE_SCRIPT)
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert found["passes"], "axe-core looked at nothing"
        return [f"{one['id']}: {one['help']}: {node['target']} {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]

    def picture(self, name: str) -> None:
        """Leave a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine; fails where there is none.

    While it runs its thread has an event loop, so nothing else there can run one of its own: keep it to a module.
    """
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=sandbox)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, *, width: int = DESK, scheme: Scheme = "light", script: bool = True) -> Iterator[Opened]:
    """A page in a profile of its own. Whatever it asks of anybody but its own origin is cut off, and counts as asked."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=script)
    try:
        visit = Opened(context.new_page())
        own = "file://" if url.startswith("file://") else "/".join(url.split("/", 3)[:3]) + "/"

        def note(request: Request) -> None:
            visit.asked.append(request.url)

        def only_own(route: Route) -> None:
            if route.request.url.startswith(own):
                route.continue_()
            else:
                route.abort()

        context.on("request", note)
        context.route("**/*", only_own)
        visit.page.on("console", lambda message: visit.said.append(f"{message.type}: {message.text}"))
        visit.page.on("pageerror", lambda error: visit.said.append(str(error)))
        visit.page.goto(url)
        yield visit
    finally:
        context.close()
