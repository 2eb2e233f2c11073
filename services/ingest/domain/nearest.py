"""What a name that is not known was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_NAME = 100
"""Letters of a name that are compared, which takes time by their number times that of the known."""


def one_of(name: str, known: Iterable[str]) -> str:
    """What would be right in its place: the known names, the nearest first where one is near."""
    names = sorted(known)
    near = get_close_matches(name[:_MAX_NAME], names, n=1, cutoff=0.6)
    listed = f"one of {', '.join(names)}" if names else "none is known"
    return f"did you mean {near[0]}? {listed}" if near else listed
