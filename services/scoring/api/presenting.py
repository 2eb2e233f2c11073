"""From what was found to what is said."""

from services.scoring.domain.consent import PURPOSES
from services.scoring.domain.state import State
from services.scoring.domain.state import Touch as FoldedTouch
from services.scoring.handlers.reading import LeadView
from services.scoring.schemas.lead import Consent, Identity, Lead, Score, Touch
from shared import identity_key
from shared.vocabulary import KeyType, Status


def lead_of(view: LeadView, secret: bytes) -> Lead:
    """A lead as it is shown; ``secret`` tells which key an address among its traits is."""
    brief, state = view.brief, view.state
    traits = state.known_traits if state else {}
    return Lead(
        lead_id=view.lead_id,
        merged_into=view.merged_into,
        status=Status(brief.status) if brief else None,
        stage=brief.stage if brief else None,
        furthest=brief.furthest if brief else None,
        score=Score(engagement=brief.engagement if brief else None, fit=brief.fit if brief else None),
        since=state.status_at if state else None,
        cycle=brief.cycle if brief else 0,
        stale=view.is_stale,
        identities=[_identity(key, traits.get("email"), secret) for key in view.keys],
        more_identities=view.has_more_keys,
        traits=traits,
        consent=_consent(state) if state else {},
        first_touch=_touch(state.first) if state else None,
        last_touch=_touch(state.last) if state else None,
        model_version=state.model_version if state else view.model.version,
        version=view.version,
        updated_at=view.updated_at,
    )


def _consent(state: State) -> dict[str, Consent]:
    held = state.consent
    return {one: Consent(state=held[one].word, since=held[one].since) for one in PURPOSES if one in held}


def _identity(key: str, address: object, secret: bytes) -> Identity:
    name = identity_key.type_name(key)
    if name != KeyType.EMAIL:
        return Identity(type=name, value=identity_key.value(key))
    known = isinstance(address, str) and identity_key.email_key(secret, address) == key
    return Identity(type=name, value=address if known else None)


def _touch(touch: FoldedTouch | None) -> Touch | None:
    if touch is None:
        return None
    return Touch(
        id=touch.id,
        kind=touch.kind,
        channel=touch.channel,
        occurred_at=touch.at,
        source=touch.source,
        medium=touch.medium,
        campaign=touch.campaign,
        country=touch.country,
        device=touch.device,
    )
