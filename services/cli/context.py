"""What every command is given and how it speaks: the environment, the clock, a table or JSON."""

import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TextIO

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.clock import Clock, SystemClock

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of text for people.")]
"""The option that every command with an answer takes."""

_WIDE: Final = 1_000
"""Letters of a line where no terminal is: a row is one line, so that `grep` and `awk` find whole ids."""


_UNSEEN: Final = {
    code: f"\\u{code:04x}"
    for codes in ((0x00, 0x20), (0x7F, 0xA0), (0x202A, 0x202F), (0x2066, 0x206A), (0xD800, 0xE000))
    for code in range(*codes)
    if chr(code) not in "\n\t"
}
"""What steers a terminal, turns the direction of writing or is half of a letter, as JSON escapes it."""


def seen(text: str) -> str:
    """A text as it may be printed: what others named must not steer the terminal of who looks at it."""
    return text.translate(_UNSEEN)


@dataclass(frozen=True, slots=True)
class Given:
    """The process's surroundings, made once in ``__main__``."""

    environment: Mapping[str, str]
    clock: Clock = field(default_factory=SystemClock)
    console: Console = field(default_factory=lambda: _console(sys.stdout))
    errors: Console = field(default_factory=lambda: Console(stderr=True))

    def say(self, text: str) -> None:
        """Tell people what happens, beside the answer."""
        self.errors.print(Text(seen(text), style="dim"), soft_wrap=True)

    def head(self, text: str) -> None:
        """Print what stands over a part of an answer."""
        self.console.print(Text(seen(text), style="bold"))

    def tell(self, text: str, end: str = "\n") -> None:
        """Print an answer for people, as it stands."""
        self.console.out(seen(text), end=end, highlight=False)

    def answer(self, value: Any) -> None:
        """Print an answer as JSON."""
        self.tell(msgspec.json.format(msgspec.json.encode(value)).decode())

    def table(self, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, numbers: Container[str] = ()) -> None:
        """Print rows for people, None as nothing; columns of ``numbers`` are aligned to the right."""
        table = Table(box=box.SIMPLE_HEAD)
        for column in columns:
            table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text("" if cell is None else seen(str(cell))) for cell in row))
        self.console.print(table)

    def records(
        self, columns: Sequence[str], records: Iterable[Mapping[str, Any]], *, numbers: Container[str] = ()
    ) -> None:
        """Print what each record says under the columns' names."""
        self.table(columns, [[record[name] for name in columns] for record in records], numbers=numbers)

    def page(
        self, columns: Sequence[str], found: Mapping[str, Any], nothing: str, numbers: Container[str] = ()
    ) -> None:
        """Print a page of a longer list and how to go on, or that there is ``nothing``."""
        if not found["data"]:
            self.say(nothing)
            return
        self.records(columns, found["data"], numbers=numbers)
        if found["next"]:
            self.say(f"more: --after {found['next']}")


def _console(stream: TextIO) -> Console:
    """As wide as the terminal; wide enough for everything when something else reads."""
    return Console(file=stream, width=None if stream.isatty() else _WIDE)


def given(context: typer.Context) -> Given:
    """What ``__main__`` made."""
    found: Given = context.find_root().obj
    return found
