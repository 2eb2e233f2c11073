"""Names that are nearly one of ours: what is sent under them would be lost without a word."""

from collections.abc import Iterator, Mapping
from functools import cache
from string import ascii_lowercase
from typing import Any, Final

_SHORTEST: Final = 5
"""Of a shorter name too much else is one slip away: page, pages, paged."""

_LONG: Final = 7
"""Letters from which on one wrong letter is a slip rather than another word (seen_at is no sent_at) ..."""

_VERY_LONG: Final = 10
"""... and two that are left out."""


def misspelt(said: Mapping[str, Any], known: tuple[str, ...], objects: frozenset[str]) -> tuple[str, str] | None:
    """The first name that is nearly one of the known, and that one; None when there is none.

    A client may have names of its own beside ours. So one is not looked for that is said as well, nor an object under
    the name of what is none (``objects`` are), or the other way round.
    """
    slips = _slips(known)
    for name, value in said.items():
        meant = slips.get(_plain(name))
        if meant is not None and meant not in said and isinstance(value, dict) == (meant in objects):
            return name, meant
    return None


@cache
def _slips(known: tuple[str, ...]) -> Mapping[str, str]:
    """The known name by all that is nearly it, each written plainly; looking a name up takes no time."""
    plain = {_plain(name): name for name in known}
    near = {slip: plain[name] for name in plain if len(name) >= _SHORTEST for slip in _near(name)}
    return near | plain


def _near(name: str) -> Iterator[str]:
    cuts = [(name[:at], name[at:]) for at in range(len(name) + 1)]
    shorter = [begin + end[1:] for begin, end in cuts]
    yield from shorter
    yield from (begin + end[1::-1] + end[2:] for begin, end in cuts)
    yield from (begin + letter + end for begin, end in cuts for letter in ascii_lowercase)
    if len(name) >= _LONG:
        yield from (begin + letter + end[1:] for begin, end in cuts for letter in ascii_lowercase)
    if len(name) >= _VERY_LONG:
        yield from (cut[:at] + cut[at + 1 :] for cut in shorter for at in range(len(cut)))


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()
