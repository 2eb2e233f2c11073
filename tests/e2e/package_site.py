"""A web site of the test's own: pages out of memory, and scripts of installed packages under their own names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

_PACKAGES = Path(__file__).parent / "node_clients" / "node_modules"
_TYPES = {".js": "text/javascript", ".html": "text/html"}


@contextmanager
def running_site(pages: Mapping[str, str]) -> Iterator[str]:
    """Its address. ``/packages/...`` is a file of an installed package; any other path is one of ``pages``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """A page or a script."""
            path = urlsplit(self.path).path
            body = _script(path) if path.startswith("/packages/") else pages.get(path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("content-type", f"{_TYPES.get(Path(path).suffix, 'text/html')}; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the library
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _script(path: str) -> bytes:
    file = (_PACKAGES / path.removeprefix("/packages/")).resolve()
    return file.read_bytes() if file.is_relative_to(_PACKAGES.resolve()) and file.is_file() else b""
