"""What the address of a page says about how someone came: the UTM fields and the click ids of ad platforms.

Names are matched in any case, the last of repeated ones wins, an empty one is absent. (No SDK takes click ids out of
the address; they are only here.)
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from shared.vocabulary import Channel

CLICK_CHANNELS: Final = {
    "gclid": Channel.ADS,
    "gbraid": Channel.ADS,
    "wbraid": Channel.ADS,
    "dclid": Channel.ADS,
    "msclkid": Channel.ADS,
    "ttclid": Channel.ADS,
    "li_fat_id": Channel.ADS,
    "twclid": Channel.ADS,
    "rdt_cid": Channel.ADS,
    "epik": Channel.ADS,
    "sccid": Channel.ADS,
    "qclid": Channel.ADS,
    "yclid": Channel.ADS,
    "irclickid": Channel.REFERRAL,
    "irclid": Channel.REFERRAL,
    "fbclid": Channel.SOCIAL,
    "igshid": Channel.SOCIAL,
    "mc_cid": Channel.EMAIL,
    "mc_eid": Channel.EMAIL,
    "_kx": Channel.EMAIL,
}
"""What a click id alone says. Meta puts ``fbclid`` on unpaid links too, so alone it says social."""

_MAX_VALUE: Final = 512
_WANTED: Final = re.compile(
    r"[?&#](?:utm_(source|medium|campaign|term|content|id)|("
    + "|".join(re.escape(name) for name in CLICK_CHANNELS)
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
        else:
            click = f"{click_name.lower()}:{text}"
    return Landing(utm, click) if utm or click else NOTHING
