"""A web site of somebody who uses the tracker: another origin than ingest, under a strict content security policy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_GUIDE = Path("docs/connect/website.md")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/site.css">
<script src="/site.js"></script>
{snippet}
</head>
<body>
<h1>{title}</h1>
<p><a id="own" href="/pricing?session=s3cret">Pricing</a> <a id="out" href="https://partner.example/x?mail=a@b.dk">Partner</a>
<button id="plain">Just a button</button> <button id="demo" data-tragt="demo_requested">Ask for a demo</button></p>
<form id="contact" method="post" action="/thanks">
<p><label>First name <input name="first_name"></label>
<label>E-mail <input type="email" name="user[email]"></label>
<label>Phone <input type="tel" name="phone"></label>
<label>Company <input name="company"></label></p>
<p><label>Password <input type="password" name="password"></label>
<label>Card <input name="card-number" autocomplete="cc-number"></label>
<label>Name on card <input name="name" autocomplete="cc-name"></label>
<label>News <input type="checkbox" name="email_news" checked></label>
<label>Message <textarea name="message"></textarea></label></p>
<input type="hidden" name="tragt">
<p><button id="send">Send</button></p>
</form>
<div class="long"></div>
</body>
</html>
"""
_SCRIPT = """
addEventListener("click", (event) => {
  if (event.target.href && event.target.host !== location.host) event.preventDefault();
});
"""
_STYLE = ".long { height: 4000px } body { font: 16px sans-serif; margin: 2rem } h1 { color: #244 }"


@dataclass(frozen=True, slots=True)
class Site:
    """Where it answers."""

    address: str


def example(name: str) -> str:
    """What the page about web sites tells people to paste."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def running_site(ingest: str, key: str) -> Iterator[Site]:
    """The site on a free port. ``/`` waits for consent, ``/allowed`` has it, ``/keyless`` has no key, every page
    shows its path as its title.
    """
    snippet = example("snippet").replace("https://ingest.example.com", ingest).replace("tw_...", key)
    policy = (
        f"default-src 'none'; script-src 'self' {ingest}; connect-src {ingest}; style-src 'self'; img-src data:;"
        " form-action 'self'; base-uri 'none'"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            match path:
                case "/site.js":
                    self._answer("text/javascript", example("stub") + _SCRIPT)
                case "/site.css":
                    self._answer("text/css", _STYLE)
                case _:
                    shown = snippet.replace("async", "async data-consent=granted") if "/allowed" in path else snippet
                    shown = shown.replace(f' data-key="{key}"', "") if path == "/keyless" else shown
                    self._answer("text/html", _PAGE.format(title=f"Page {path}", snippet=shown))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def _answer(self, media_type: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.send_header("content-security-policy", policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
