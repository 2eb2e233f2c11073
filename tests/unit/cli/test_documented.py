"""The page about the command line names every command, every option of ``up`` and every exit code there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import typer

from services.cli.app import build_app
from services.cli.exits import Exit

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")


def _names(app: typer.Typer, before: str) -> Iterator[str]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{before} {command.name or command.callback.__name__}"
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from _names(group.typer_instance, f"{before} {group.name}")


def test_every_command_is_there_and_no_other() -> None:
    assert set(re.findall(r"^\| `(tragt [a-z -]+)` \|", PAGE, re.MULTILINE)) == set(_names(build_app(), "tragt"))


def _examples(app: typer.Typer) -> Iterator[str]:
    for command in app.registered_commands:
        if (command.epilog or "").startswith("Example: "):
            yield str(command.epilog).removeprefix("Example: ")
    for group in app.registered_groups:
        yield from _examples(group.typer_instance or typer.Typer())


def test_every_example_of_the_help_is_a_command() -> None:
    named = [told for example in _examples(build_app()) for told in re.findall(r"tragt [a-z]+ [a-z]+", example)]

    assert len(named) > 5
    assert set(named) <= set(_names(build_app(), "tragt"))


def test_every_exit_code_is_there_and_no_other() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)] == [code.value for code in Exit]
