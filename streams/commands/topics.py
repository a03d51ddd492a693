"""``candor topics``."""

from dataclasses import asdict

import click

from streams.commands.groups import Group
from streams.commands.output import print_json, print_table, say, working
from streams.connections import admin
from streams.errors import ProblemFound
from streams.settings import load_settings
from streams.topics_admin import Drift, create_topics, find_drift, repair_configuration


class _CreateByDefault(Group):
    """``candor topics`` and ``candor topics --dry-run`` mean ``create``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments that are left, as click wants it."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["create", *args]
        return super().parse_args(ctx, args)


@click.group("topics", cls=_CreateByDefault)
def command() -> None:
    """Create the topics, or report how they differ; without a command: create."""


@command.command("create")
@click.option("--dry-run", is_flag=True, help="Only say what would be done, as far as the broker can tell.")
@click.option("--repair", is_flag=True, help="Also put the configuration of existing topics right; never partitions or replicas.")
@click.option("--json", "as_json", is_flag=True, help="Print what was created and set, and the differences that remain, as JSON.")
def create(*, dry_run: bool, repair: bool, as_json: bool) -> None:
    """Create the topics that are absent.

    Exits with 1 where existing topics differ from what is wanted and stay so.
    """
    settings = load_settings()
    would = "would " if dry_run else ""
    with working("asking Kafka"), admin(settings) as client:
        created = create_topics(client, settings, dry_run=dry_run)
        for topic in created:
            say(f"{would}create {topic.name}: {topic.partitions} partitions, {topic.replication_factor} replicas")
        repaired = list(repair_configuration(client, settings, dry_run=dry_run)) if repair else []
        for difference in repaired:
            say(f"{would}set {difference.topic} {difference.what}={difference.wanted} (was {difference.found})")
        names = {topic.name for topic in created}
        remaining = [] if dry_run and repair else [d for d in find_drift(client, settings) if d.topic not in names]
    if not created and not remaining:
        say("all topics are as they should be")
    if as_json:
        made = [{"topic": topic.name, "partitions": topic.partitions, "replication_factor": topic.replication_factor} for topic in created]
        print_json({"created": made, "set": [asdict(one) for one in repaired], "differences": [asdict(one) for one in remaining]})
    else:
        _print(remaining)
    _fail_on(remaining)


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def check(as_json: bool) -> None:
    """Report how the topics differ from what is wanted.

    Exits with 1 where they do.
    """
    settings = load_settings()
    with working("asking Kafka"), admin(settings) as client:
        found = find_drift(client, settings)
    if as_json:
        print_json([asdict(difference) for difference in found])
    elif found:
        _print(found)
    else:
        say("all topics are as they should be")
    _fail_on(found)


def _print(found: list[Drift]) -> None:
    if found:
        print_table(("topic", "what", "wanted", "found", "what to do"), [(d.topic, d.what, d.wanted, d.found, d.advice) for d in found])


def _fail_on(found: list[Drift]) -> None:
    if found:
        raise ProblemFound(f"{len(found)} differences")
