"""Groups of commands that guess what was meant where a name is mistyped."""

import difflib

import click


class Group(click.Group):
    """A group whose message about an unknown command names those that are spelled nearly so."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click has it; raises click's ``UsageError`` with what may be meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx))
            if near:
                error.message += f" Did you mean {' or '.join(near)}?"
            raise
