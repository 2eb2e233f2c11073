"""Who may post: the key of a call, wherever it stands, its scope, and the site it is used on."""

from contextlib import suppress

from services.ingest.api.exchange import Call
from services.ingest.handlers.allowances import Allowances
from shared.access import Principal, Scope
from shared.errors import Forbidden, Unauthenticated
from shared.http.auth import AccessCache, check_origin, check_scope
from shared.http.credentials import header_key, query_keys


class Gate:
    """Lets calls with a good key in."""

    def __init__(self, access: AccessCache, allowances: Allowances) -> None:
        self._access = access
        self._allowances = allowances

    def admit(self, call: Call, *more: str) -> Principal:
        """The principal of the first good key in the headers, the query or ``more`` (keys out of the body).

        Raises Unauthenticated, Forbidden, RateLimited, Unavailable.
        """
        principal = self._access.authenticate(
            [header_key(call.header(b"authorization")), *query_keys(call.query), *more]
        )
        check_scope(principal, Scope.INGEST)
        origin = call.header(b"origin")
        check_origin(principal, None if origin is None else origin.decode("latin-1"))
        if not self._allowances.are_ample(principal):
            call.advice = self._allowances.advice(principal)
            self._allowances.check(principal)
        return principal

    def ration(self, principal: Principal) -> None:
        """The same for whoever came without a call of his own, by a link. Raises RateLimited, Unavailable."""
        if not self._allowances.are_ample(principal):
            self._allowances.advice(principal)
            self._allowances.check(principal)

    def check_early(self, call: Call) -> None:
        """Turn a call away by its head, before its body is read, while so much waits that its workspace has its share.

        What else may be wrong with it is said when it is all there. Raises RateLimited, Unavailable.
        """
        if self._allowances.is_crowded():
            with suppress(Unauthenticated, Forbidden):
                self.admit(call)

    def knows_write_key(self, text: str) -> bool:
        """Whether it is a write key that works."""
        try:
            return text.startswith("tw_") and self._access.authenticate([text]).may(Scope.INGEST)
        except Unauthenticated:
            return False

    def named(self, text: str) -> Principal:
        """The principal of the write key that a link names, by its prefix or whole. Only a signature proves anything.

        Raises Unauthenticated, Unavailable.
        """
        prefix = "_".join(text.split("_", 2)[:2])
        principal = self._access.named(prefix) if prefix.startswith("tw_") else None
        if principal is None:
            raise Unauthenticated("the write key in it is unknown or has ended")
        return principal
