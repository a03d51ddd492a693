"""The rows of a cube in SQL: keys and sums, and no score, so that nothing in them is added up by mistake."""

from collections.abc import Sequence

from sinks.semantic.declared import Cube


def keys(cube: Cube) -> list[tuple[str, str]]:
    """Name and column of all that sums may be grouped by."""
    return [*cube.entities, *((dimension.name, dimension.column) for dimension in cube.dimensions)]


def rows_sql(cube: Cube, relation: str, further: Sequence[tuple[str, str]] = (), suffix: str = "") -> str:
    """Keys, ``further`` columns and sums of the cube's view, which is read as ``relation``; ``suffix`` ends the names of sums."""
    picked = [*keys(cube), *further, *((f"{one.name}{suffix}", one.sql) for one in cube.sums)]
    lines = ",\n".join(f"    {sql}" if sql == name else f"    {sql} as {name}" for name, sql in picked)
    where = f"\nwhere {cube.only}" if cube.only else ""
    return f"select\n{lines}\nfrom {relation}{where}\n"
