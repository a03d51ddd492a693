"""``--unit`` and ``--peer-group``, each given once or several times."""

from collections.abc import Iterator, Sequence
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
            hint = about_commas(option, names)
            if hint and str(error).startswith(option):
                raise ConfigurationError(f"{error}\n  {hint}") from None
        raise


def about_commas(option: str, names: Sequence[str]) -> str:
    """What to type instead where a name has commas in it; empty where none has."""
    joined = next((name for name in names if "," in name), "")
    parts = " ".join(f"{option} {part.strip()}" for part in joined.split(",") if part.strip())
    return f"for several, give {option} several times: {parts}" if parts else ""
