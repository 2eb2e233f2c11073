"""What others named is printed and steers nothing."""

from io import StringIO

from rich.console import Console

from services.cli.context import Given
from services.cli.funnel import show_funnel

_NAMED = "a\x1b]0;x\x07\x9b2J\u202e\udcff[/b]"
_SEEN = "a\\u001b]0;x\\u0007\\u009b2J\\u202e\\udcff[/b]"


def _around() -> tuple[Given, StringIO]:
    out = StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system=None)
    return Given({}, console=console, errors=console), out


def test_tables_and_lines_show_what_would_steer_a_terminal() -> None:
    around, out = _around()

    around.table(["name"], [[_NAMED]])
    around.say(_NAMED)
    around.tell(_NAMED)

    assert out.getvalue().count(_SEEN) == 3
    assert "\x1b]" not in out.getvalue()


def test_a_group_of_the_funnel_is_called_as_it_was_sent() -> None:
    around, out = _around()
    steps: list[object] = []

    show_funnel(
        around,
        {
            "by": "campaign",
            "groups": [{"key": {"campaign": _NAMED}, "steps": steps}],
            "steps": steps,
            "meta": {"as_of": "now", "lag_seconds": 0},
        },
    )

    assert f"campaign {_SEEN}" in out.getvalue()
