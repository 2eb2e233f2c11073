"""All commands of ``tragt``."""

import asyncio
from typing import Annotated, Final

import typer

from services.cli.announcement import Announcement
from services.cli.call import Commands
from services.cli.context import Json, given
from services.cli.costs.command import costs
from services.cli.demo_command import demo
from services.cli.doctor import doctor
from services.cli.exits import EPILOGUE, endings
from services.cli.funnel import funnel
from services.cli.hooks import hooks
from services.cli.imports import import_file
from services.cli.keys import keys
from services.cli.layout import DEFAULT_PORTS, parse_dsn, parse_ports
from services.cli.leads import leads
from services.cli.lifecycle import down, status
from services.cli.links import links
from services.cli.model import model
from services.cli.origins import checked_origins
from services.cli.place import DEFAULT, Data, make_folder
from services.cli.policy import policy
from services.cli.rebuild import rebuild
from services.cli.rejected import rejected
from services.cli.schemas import schemas
from services.cli.up import Surroundings, Wanted, run_up
from services.cli.upkeep import migrate, reconcile
from services.scoring.bootstrap import template as template_named

_WIDEST_HELP: Final = 120
"""Columns; at the usual 80 the list of commands cuts what they do."""

Kafka = Annotated[str, typer.Option("--kafka", envvar="TRAGT_KAFKA", help="Brokers HOST:PORT,... instead of tables.")]
Dsn = Annotated[
    str,
    typer.Option("--database", envvar="TRAGT_DATABASE", help="DSN of a PostgreSQL 18 instead of the embedded one."),
]
Template = Annotated[str, typer.Option("--template", help="Model of the first workspace: b2b.")]
Origins = Annotated[list[str] | None, typer.Option("--origin", help="Site that may use the write key; repeatable.")]
PortsText = Annotated[str, typer.Option("--ports", envvar="TRAGT_PORTS", help="Ports of ingest, scoring and metrics.")]


def up(
    context: typer.Context,
    data: Data = DEFAULT,
    kafka: Kafka = "",
    database: Dsn = "",
    template: Template = "b2b",
    demo_month: Annotated[bool, typer.Option("--demo", help="Load a demo month through HTTP.")] = False,
    origin: Origins = None,
    ports: PortsText = DEFAULT_PORTS,
    as_json: Json = False,
) -> None:
    """Run everything in the foreground: the database, the log and the three services."""
    around = given(context)

    def announce(what: Announcement) -> None:
        around.answer(what.as_json()) if as_json else what.show(around.console)

    with endings():
        template_named(template)
        wanted = Wanted(
            folder=make_folder(data),
            ports=parse_ports(ports),
            dsn=parse_dsn(database) if database else "",
            kafka=tuple(server.strip() for server in kafka.split(",") if server.strip()),
            template=template,
            origins=checked_origins(origin),
            demo=demo_month,
        )
        asyncio.run(run_up(wanted, Surroundings(around.environment, around.clock, around.say, announce)))


def build_app() -> typer.Typer:
    """The command with all its sub-commands."""
    app = Commands(
        "Touchpoints from every channel become trusted lead status and funnel numbers.",
        name="tragt",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        epilog=EPILOGUE,
        context_settings={"max_content_width": _WIDEST_HELP},
    )
    for command in (up, down, status, doctor, demo, funnel, migrate, rebuild, reconcile):
        app.command(epilog=EPILOGUE)(command)
    app.command("import", epilog=EPILOGUE)(import_file)
    app.add_typer(keys, name="keys")
    app.add_typer(costs, name="costs")
    app.add_typer(hooks, name="hooks")
    app.add_typer(leads, name="leads")
    app.add_typer(links, name="links")
    app.add_typer(model, name="model")
    app.add_typer(policy, name="policy")
    app.add_typer(rejected, name="rejected")
    app.add_typer(schemas, name="schemas")
    return app
