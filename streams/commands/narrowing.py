"""``--unit`` and ``--peer-group``, each given once or several times."""

from collections.abc import Iterator
from contextlib import contextmanager

from streams.errors import ConfigurationError
from streams.reporting import Asked


@contextmanager
def telling_of_commas(asked: Asked) -> Iterator[None]:
    """Adds to a ``ConfigurationError`` about a unit or peer group with commas in it that several are given one by one. A name may hold commas."""
    try:
        yield
    except ConfigurationError as error:
        for option, names in (("--unit", asked.units), ("--peer-group", asked.peer_groups)):
            joined = next((name for name in names if "," in name), None)
            if joined is not None and str(error).startswith(option):
                parts = " ".join(f"{option} {part.strip()}" for part in joined.split(",") if part.strip())
                raise ConfigurationError(f"{error}\n  for several, give {option} several times: {parts}") from None
        raise
