"""Pages of reference that are made from the code: commands from click, settings from their model, alerts from their declarations."""

import inspect
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from streams.commands import cli
from streams.errors import MEANINGS
from streams.metrics.alerts import ALERTS
from streams.metrics.rule import Alert
from streams.settings import ENVIRONMENT_FILE, KAFKA_LIBS, SECRETS_FOLDER, Settings, default_of, variable

_MADE = "Made by `candor contracts`; do not edit."


def commands_page() -> str:
    """The text of ``docs/reference/commands.md``."""
    lines = ["# Commands", "", f"{_MADE} `candor COMMAND --help` says the same.", "", "## Exit codes", "", *_exit_codes()]
    for path, command in _commands(cli, ("candor",)):
        if len(path) > 1:
            lines += _command(path, command)
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The text of ``docs/reference/settings.md``."""
    schema = Settings.model_json_schema()["properties"]
    lines = [
        "# Settings",
        "",
        f"{_MADE} What is read first counts: a variable of the environment; a line of the file `.env`, or of the one that",
        f"`{ENVIRONMENT_FILE}` names; a file of that name, in small letters, in the folder `{SECRETS_FOLDER}`; the default. A variable that is set",
        "to nothing counts as not set. `candor doctor` names variables that look like settings and are none; `candor doctor --json` prints all",
        "settings, secrets hidden.",
        "",
        "| variable | default | may be | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = default_of(field)
        lines.append(f"| `{variable(name)}` | {f'`{default}`' if default else ''} | {_allowed(schema[name])} | {_cell(field.description or '')} |")
    lines += ["", f"Beside these, `{KAFKA_LIBS}` names a folder with Kafka's jars, for the broker that the demo and tests start."]
    return "\n".join(lines) + "\n"


def alerts_page() -> str:
    """The text of ``docs/reference/alerts.md``."""
    lines = [
        "# Alerts",
        "",
        f"{_MADE} The rules are in `deploy/prometheus/candor.rules.yml`; [operations](../operations.md#alerts) says how to use them, and the",
        "page of each alert what to do. *Critical* wakes somebody, a *warning* is looked at during the day. *Holds*: how long it must be so before",
        "it is told.",
        "",
        "| alert | severity | team | holds | fires while |",
        "|---|---|---|---|---|",
    ]
    for name, alerts in groupby(ALERTS, lambda alert: alert.name):
        lines += [_alert(name, alert) for alert in alerts]
    return "\n".join(lines) + "\n"


def _alert(name: str, alert: Alert) -> str:
    expression = " ".join(alert.expr.split())
    return f"| [{name}](../runbooks/{name}.md) | {alert.severity} | {alert.team} | {alert.hold} | `{_cell(expression)}` |"


def _exit_codes() -> Iterator[str]:
    yield "| code | means |"
    yield "|---|---|"
    for code, meaning in MEANINGS.items():
        yield f"| {code.value} | {meaning} |"


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _commands(inner, (*path, name))


def _command(path: Sequence[str], command: click.Command) -> Iterator[str]:
    yield ""
    yield f"{'#' * len(path)} {' '.join(path)}"
    yield ""
    context = click.Context(command, info_name=" ".join(path))
    yield f"`{' '.join([*path, *command.collect_usage_pieces(context)])}`"
    yield from _prose(command.help or "")
    options = [one for one in command.get_params(context) if isinstance(one, click.Option) and one.name != "help"]
    if options:
        yield ""
        yield "| option | default | meaning |"
        yield "|---|---|---|"
        for option in options:
            yield f"| {_names(option, context)} | {_default(option, context)} | {_cell(option.help or '')} |"


def _prose(text: str) -> Iterator[str]:
    """Help as it is, with its example as code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        said = " ".join(paragraph.split())
        before, found, example = said.partition("Example: ")
        yield ""
        yield f"Example: `{example}`" if found and not before else said


def _names(option: click.Option, context: click.Context) -> str:
    """``--format`` and what is to be given: a choice, or the kind of value."""
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    if isinstance(option.type, click.Choice):
        return f"{names} {', '.join(f'`{choice}`' for choice in option.type.choices)}"
    if isinstance(option.type, click.IntRange | click.FloatRange):
        return f"{names} {_number(option.type)}"
    return f"{names} {_cell(option.make_metavar(context))}"


def _number(kind: click.IntRange | click.FloatRange) -> str:
    least = "" if kind.min is None else f"above {kind.min:,}" if kind.min_open else f"{kind.min:,}"
    return (
        f"a number, {least} to {kind.max:,}" if kind.max is not None else f"a number, at least {least}" if not kind.min_open else f"a number {least}"
    )


def _default(option: click.Option, context: click.Context) -> str:
    """What the help shows as default; what it does not show is said by the option's own words."""
    if not option.show_default:
        return ""
    default = option.get_default(context)
    if isinstance(default, bool) and option.secondary_opts:
        return f"`{(option.opts if default else option.secondary_opts)[0]}`"
    return f"`{default}`"


def _allowed(schema: dict[str, Any]) -> str:
    """What a setting may be, in few words; empty for any text."""
    if "anyOf" in schema:
        return _allowed(next(kind for kind in schema["anyOf"] if kind.get("type") != "null"))
    if "$ref" in schema:
        values = Settings.model_json_schema()["$defs"][schema["$ref"].rpartition("/")[2]]["enum"]
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("format") in {"path", "password"}:
        return {"path": "a path", "password": "text, kept secret"}[schema["format"]]
    if schema.get("type") == "boolean":
        return "`true`, `false`"
    if schema.get("type") in {"integer", "number"}:
        return _range(schema)
    return ""


def _range(schema: dict[str, Any]) -> str:
    above = schema.get("exclusiveMinimum")
    least = f"above {above:,}" if above is not None else f"{schema['minimum']:,}" if "minimum" in schema else ""
    most = f"{schema['maximum']:,}" if "maximum" in schema else ""
    return f"{least} to {most}" if most else f"at least {least}"


def _cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())
