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
    assert f"campaign {_SEEN}" in _shown({"key": {"campaign": _NAMED}, "rest": []})


def test_a_group_without_a_value_and_the_rest_of_many_are_told_apart() -> None:
    told = _shown({"key": {"source": None, "campaign": None}, "rest": ["campaign"]})

    assert "source (none), campaign (all others)" in told


def _shown(group: dict[str, object]) -> str:
    around, out = _around()
    steps: list[object] = []
    meta = {"as_of": "now", "lag_seconds": 0}
    show_funnel(around, {"by": ["campaign"], "groups": [{**group, "steps": steps}], "steps": steps, "meta": meta})
    return out.getvalue()
