"""What the address of a page says about how someone came: the UTM fields and the click ids of ad platforms.

Names are matched in any case, the last of repeated ones wins, an empty one is absent. (No SDK takes click ids out of
the address; they are only here.)
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

CLICK_GROUPS: Final = {
    "gclid": "paid_search",
    "gbraid": "paid_search",
    "wbraid": "paid_search",
    "msclkid": "paid_search",
    "yclid": "paid_search",
    "dclid": "display",
    "ttclid": "paid_social",
    "li_fat_id": "paid_social",
    "twclid": "paid_social",
    "rdt_cid": "paid_social",
    "epik": "paid_social",
    "sccid": "paid_social",
    "qclid": "paid_social",
    "irclickid": "affiliates",
    "irclid": "affiliates",
    "fbclid": "organic_social",
    "igshid": "organic_social",
    "mc_cid": "email",
    "mc_eid": "email",
    "_kx": "email",
}
"""The group (``domain.channel``) a click id alone says. Meta puts ``fbclid`` on unpaid links too, so it says social."""

BESIDE: Final = {"gclsrc": "paid_search", "gad_source": "paid_search", "gad_campaignid": "paid_search"}
"""What Google puts beside its click ids. It counts where there is none: some browsers take click ids away."""

_MAX_VALUE: Final = 512
_WANTED: Final = re.compile(
    r"[?&#](?:utm_(source|medium|campaign|term|content|id)|("
    + "|".join(re.escape(name) for name in (*CLICK_GROUPS, *BESIDE))
    + r"))=([^&#\s]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Landing:
    """UTM fields by their names without ``utm_``, and the click id as ``name:value``, empty when there is none."""

    utm: dict[str, str]
    click: str


NOTHING: Final = Landing({}, "")


def read_address(address: str) -> Landing:
    """What an address, or its query with the question mark, says."""
    if "=" not in address:
        return NOTHING
    utm: dict[str, str] = {}
    click = ""
    for field, click_name, value in _WANTED.findall(address):
        text = (
            unquote_plus(value)[:_MAX_VALUE].replace("\0", "") if "%" in value or "+" in value else value[:_MAX_VALUE]
        )
        if field:
            utm[field.lower()] = text
        elif (name := click_name.lower()) not in BESIDE or not click:
            click = f"{name}:{text}"
    return Landing(utm, click) if utm or click else NOTHING


def group_of_click(name: str) -> str:
    """The group that a click id's name says; empty when it says none."""
    return CLICK_GROUPS.get(name) or BESIDE.get(name, "")
