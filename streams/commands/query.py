"""``candor query``."""

from contextlib import closing

import click

from sinks.base import SinkRefused
from sinks.chdb_server.statement import tokens
from streams.commands import Failure
from streams.commands.output import print_json, print_table, say, working
from streams.commands.reading import connect_to_read
from streams.commands.refusals import explain
from streams.errors import ConfigurationError, ExitCode
from streams.settings import load_settings


@click.command("query")
@click.argument("sql", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of rows, each by the names of its columns.")
def command(sql: str | None, as_json: bool) -> None:
    """Ask the tables and views of ClickHouse, and change nothing.

    SQL is one SELECT; without it, what standard input holds. The data dictionary says what tables, views and columns mean.

    Example: candor query "SELECT metric, n, nps, nps_low, nps_high FROM loyalty_total WHERE period = 'all'"
    """
    asked = (click.get_text_stream("stdin").read() if sql is None else sql).strip().removesuffix(";")
    if not asked:
        raise ConfigurationError("there is no query: give one as argument, or on standard input")
    kinds = [token.kind for token in tokens(asked.encode())]
    if "end" in kinds[:-1]:
        raise ConfigurationError("this is more than one statement, and one is answered at a time: ask each by itself")
    with closing(connect_to_read(load_settings())) as clickhouse, working("asking ClickHouse"):
        try:
            found = clickhouse.query(asked, read_only=True)
        except SinkRefused as error:
            message, advice = explain(clickhouse, asked, error)
            if message == str(error) and not advice:
                raise
            raise Failure(message, ExitCode.PROBLEM, advice) from error
    rows = found.to_pylist()
    if as_json:
        print_json(rows)
    elif rows:
        print_table(found.column_names, (list(row.values()) for row in rows))
    else:
        say("no rows")
