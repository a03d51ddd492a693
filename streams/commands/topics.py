"""``candor topics``."""

from dataclasses import asdict

import click

from streams.commands.output import print_json, print_table, say
from streams.connections import admin
from streams.errors import ProblemFound
from streams.settings import load_settings
from streams.topics_admin import Drift, create_topics, find_drift, repair_configuration


class _CreateByDefault(click.Group):
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
def create(dry_run: bool, repair: bool) -> None:
    """Create the topics that are absent.

    Exits with 1 where existing topics differ from what is wanted and stay so.
    """
    settings = load_settings()
    would = "would " if dry_run else ""
    with admin(settings) as client:
        created = create_topics(client, settings, dry_run=dry_run)
        for topic in created:
            say(f"{would}create {topic.name}: {topic.partitions} partitions, {topic.replication_factor} replicas")
        for difference in repair_configuration(client, settings, dry_run=dry_run) if repair else ():
            say(f"{would}set {difference.topic} {difference.what}={difference.wanted} (was {difference.found})")
        names = {topic.name for topic in created}
        remaining = [] if dry_run and repair else [d for d in find_drift(client, settings) if d.topic not in names]
    if not created and not remaining:
        say("all topics are as they should be")
    _report(remaining, as_json=False)


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def check(as_json: bool) -> None:
    """Report how the topics differ from what is wanted; exits with 1 where they do."""
    settings = load_settings()
    with admin(settings) as client:
        found = find_drift(client, settings)
    if not found and not as_json:
        say("all topics are as they should be")
    _report(found, as_json=as_json)


def _report(found: list[Drift], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(difference) for difference in found])
    elif found:
        print_table(("topic", "what", "wanted", "found", "what to do"), [(d.topic, d.what, d.wanted, d.found, d.advice) for d in found])
    if found:
        raise ProblemFound(f"{len(found)} differences")
