"""Looking at servers of this machine over HTTP."""

import urllib.error
import urllib.request


def text_of(url: str) -> str | None:
    """What is answered with 200; None where nobody answers, or with anything else."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode()) if answer.status == 200 else None
    except (urllib.error.URLError, OSError):
        return None
