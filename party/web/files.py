"""The files of our pages and of the client, and the documents of those pages.

    /static/party.js                      for developers: asked for again each time, by its ETag
    /static/page.bundle.0123456789ab.js   for our own pages: kept for good, as its name has the content's hash

A page is one script, which `make bundle` has made of its modules. Where it is not made of them as they are,
the page loads the modules themselves, as it does while they are worked on.
"""

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Flask, Response, make_response, request, url_for

from party.errors import NotFound

ENDPOINT = "static"
FOLDER = Path(__file__).resolve().parents[1] / "static"
CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

YEAR_SECONDS = 365 * 24 * 3600
_HASHED = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{12})(?P<suffix>\.[a-z]+)")
_MADE_OF = re.compile(rb"Made of ([0-9a-f]{64})")


@dataclass(frozen=True)
class File:
    """One file, as it is and compressed, where that is smaller."""

    content: bytes
    packed: bytes | None
    type: str
    hash: str


@cache
def _files() -> frozenset[str]:
    """All there are: whatever is asked for beyond them is not even looked for."""
    return frozenset(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


@cache
def _file(name: str) -> File:
    """One of `_files`, read and compressed once in a process."""
    content = (FOLDER / name).read_bytes()
    packed = gzip.compress(content, mtime=0)
    type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    digest = hashlib.sha256(content).hexdigest()[:12]
    return File(content, packed if len(packed) < len(content) else None, type, digest)


@cache
def is_bundled(page: str) -> bool:
    """Whether a page's bundle is made of the modules as they are."""
    bundle = FOLDER / f"{page}.bundle.js"
    made_of = _MADE_OF.search(bundle.read_bytes()) if bundle.exists() else None
    return made_of is not None and made_of[1].decode() == sources_hash("client", "qr", page)


def sources_hash(*folders: str) -> str:
    """What a bundle of the client and of the modules in these folders says that it is made of."""
    modules = (path for folder in folders for path in (FOLDER / folder).rglob("*.js"))
    in_order = [FOLDER / "party.js", *sorted(modules, key=Path.as_posix)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in in_order)).hexdigest()


def asset(name: str) -> str:
    """The address under which a file can be kept for good."""
    stem, dot, suffix = name.rpartition(".")
    return url_for(ENDPOINT, filename=f"{stem}.{_file(name).hash}{dot}{suffix}")


def script(page: str) -> str:
    """The address of a page's script."""
    if is_bundled(page):
        return asset(f"{page}.bundle.js")
    return url_for(ENDPOINT, filename=f"{page}/{page}.js")


def document(html: str) -> Response:
    """The answer that brings a page, of which nothing is loaded from elsewhere."""
    response = make_response(html)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def unless_known(response: Response) -> Response:
    """The answer that a browser keeps and asks for again each time: without a body where it is the same."""
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def _serve(filename: str) -> Response:
    """A file under its name, with a hash or without; a page of an earlier release asks with another hash."""
    hashed = _HASHED.fullmatch(filename)
    name = f"{hashed['stem']}{hashed['suffix']}" if hashed else filename
    if name not in _files():
        raise NotFound
    file = _file(name)
    packed = file.packed if request.accept_encodings.quality("gzip") > 0 else None
    response = Response(packed or file.content, mimetype=file.type)
    if packed:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    # A weak one, for it is the same in each encoding.
    response.set_etag(file.hash, weak=True)
    if hashed and hashed["hash"] == file.hash:
        response.cache_control.public = True
        response.cache_control.max_age = YEAR_SECONDS
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


def init_app(app: Flask) -> None:
    """Serve the files, and tell templates their addresses."""
    app.add_url_rule("/static/<path:filename>", ENDPOINT, _serve)
    app.jinja_env.globals.update(asset=asset, script=script)
