"""What a provider only names in its webhook, fetched: the answers of a lead on Meta."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog

from services.ingest.handlers.outbound import Outbound
from services.ingest.protocols.splitting import Item
from services.ingest.protocols.webhook import Known
from shared.errors import Unavailable

_FIELDS: Final = (
    "id,created_time,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,form_id,is_organic,platform,field_data"
)
_MAX_LEADS: Final = 100
_GONE: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


class Completion:
    """Fetches leads from Meta's Graph at ``graph_address``, an installation's setting; empty fetches nothing."""

    def __init__(self, outbound: Outbound, graph_address: str) -> None:
        self._outbound = outbound
        self._graph = graph_address.rstrip("/")
        self._log = structlog.get_logger("hooks")

    async def meta(self, items: Sequence[Item], known: Known) -> list[Item]:
        """The items, each with its lead in ``lead``, where the hook has an access token.

        A lead that is not there (any more) is left as it is. Raises Unavailable when Meta does not answer, or does not
        accept the token: Meta sends again for a day and a half, and by then it may.
        """
        tokens = known.all("access_token")
        if not self._graph or not tokens:
            return list(items)
        if len(items) > _MAX_LEADS:
            raise Unavailable(f"a request names at most {_MAX_LEADS} leads")
        return list(await asyncio.gather(*(self._completed(item, tokens[0]) for item in items)))

    async def _completed(self, item: Item, token: str) -> Item:
        said = _OBJECT.decode(item)
        lead_id = str(said.get("leadgen_id") or "")
        if not (lead_id.isascii() and lead_id.isdigit()):
            return item
        address = f"{self._graph}/{lead_id}?fields={_FIELDS}"
        fetched = await self._outbound.get(address, {"authorization": f"Bearer {token}"})
        if fetched.status in _GONE and b'"OAuthException"' not in fetched.body:
            return item
        if fetched.status != HTTPStatus.OK:
            self._log.warning("hook.lead_not_fetched", status=fetched.status)
            raise Unavailable("Meta does not give the lead: look at the access token")
        try:
            lead = _OBJECT.decode(fetched.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unavailable("Meta's answer is not a lead") from None
        return msgspec.json.encode({**said, "lead": lead})
