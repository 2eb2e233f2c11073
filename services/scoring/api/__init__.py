"""What scoring says over HTTP: thin routes over the handlers that read."""

from services.scoring.api.serving import ROUTERS, run

__all__ = ["ROUTERS", "run"]
