"""The workspace's policy for its door: shown and put in place."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Request

from services.ingest.domain.policy import InvalidPolicy, Policy, read_policy, terms_by, written
from shared.database.access import put_policy
from shared.database.access import read_policy as kept_policy
from shared.database.session import reading, writing
from shared.errors import FieldFault, Forbidden, InvalidRequest, Transient, Unauthenticated
from shared.http.auth import Administrator
from shared.http.problems import responses

_ERRORS: Final = responses(InvalidRequest, Unauthenticated, Forbidden, Transient)
_EXAMPLE: Final = {
    "channels": [{"name": "partner_portal", "channel": "referral", "when": {"source": "portal-*"}}],
    "own_hosts": ["checkout.example"],
    "own_traffic": {"addresses": ["203.0.113.0/28"], "email_domains": ["acme.example"], "action": "mark"},
    "bots": "mark",
    "consent": {"default": "assumed", "regions": {"EEA": "required"}, "gpc": "honoured"},
    "time": {"past_days": 1096, "ahead_hours": None},
    "address": "truncated",
}

_BY_LANGUAGE: Final = (
    "no database of countries is set, so the language of the browser decides where somebody is: `en-US` in Berlin is "
    "nowhere in the EEA. Set INGEST_COUNTRY_DATABASE, or require consent by `default` and assume it by region"
)

router: Final = APIRouter(prefix="/v1/policy", tags=["policy"], responses=_ERRORS)

Asked = Annotated[dict[str, Any], Body(examples=[_EXAMPLE])]


@router.get("", summary="The policy in force")
async def show(request: Request, who: Administrator) -> dict[str, Any]:
    """Every part of it, decided or not."""
    async with reading(request.state.reader, who.workspace) as session:
        return _shown(terms_by(await kept_policy(session, who.workspace)).policy)


@router.put("", summary="Put another policy in its place")
async def put(request: Request, who: Administrator, asked: Asked) -> dict[str, Any]:
    """The whole of it: what is left out is as it would be in a new workspace. In force within two seconds.

    ``notes`` are there when something in it hardly does what was meant.
    """
    try:
        policy = read_policy(msgspec.json.encode(asked))
    except InvalidPolicy as error:
        raise InvalidRequest(FieldFault("", "invalid_policy", str(error))) from None
    async with writing(request.state.writer) as session:
        await put_policy(session, who.workspace, written(policy).decode())
    guesses = policy.consent.regions and not request.state.knows_countries
    return {**_shown(policy), "notes": [_BY_LANGUAGE]} if guesses else _shown(policy)


def _shown(policy: Policy) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(policy)
    return shown
