"""Files that are made of the declarations, and how what is made of a cube is called."""

import yaml

from sinks.semantic.declared import Cube

Node = dict[str, object]
MADE = "Made by `candor contracts`; do not edit."


def as_yaml(document: Node) -> str:
    """The text of a file."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=150)
    return f"# {MADE}\n{text}"


def cube_name(cube: Cube) -> str:
    """The model of a cube in dbt, and its dataset in Superset; such names stand beside those of the user's own."""
    return f"candor_{cube.name}"
