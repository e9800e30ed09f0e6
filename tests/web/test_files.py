"""What pages load: compressed, kept for good under names with a hash, and few requests."""

import gzip
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from party.web import files
from tests.conftest import MakeApp
from tests.support.server import ROOT

STATIC = ROOT / "party" / "static"
PAGES = [
    pytest.param("/", "page", marks=pytest.mark.needs("page")),
    pytest.param("/play", "play", marks=pytest.mark.needs("play")),
]

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def visitor(make_app: MakeApp) -> FlaskClient:
    return make_app(DEMO=True, PLAY=True).test_client()


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the files that can be changed, as another release has them."""
    copy = Path(shutil.copytree(STATIC, tmp_path / "static"))
    monkeypatch.setattr(files, "FOLDER", copy)
    caches = (files._files, files._file, files.is_bundled)
    for cache in caches:
        cache.cache_clear()
    yield copy
    for cache in caches:
        cache.cache_clear()


def loaded(html: str) -> set[str]:
    """What a page loads."""
    return {path for path in re.findall(r'(?:src|href)="([^"#]+)"', html) if "/static/" in path}


@pytest.mark.parametrize(("path", "name"), PAGES)
def test_all_that_a_page_loads_is_kept_for_good(
    visitor: FlaskClient, static: Path, path: str, name: str
) -> None:
    made_of = files.sources_hash("client", "qr", name)  # without a feature, they are not those of the bundle
    (static / f"{name}.bundle.js").write_text(f"/* Made of {made_of} by make bundle. */")
    addresses = loaded(visitor.get(path).text)
    assert len(addresses) == 3
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert hashlib.sha256(answer.data).hexdigest()[:12] in address
    assert any(re.fullmatch(rf"/static/{name}\.bundle\.[0-9a-f]{{12}}\.js", each) for each in addresses)


@pytest.mark.parametrize(("path", "name"), PAGES)
def test_a_page_that_is_loaded_again_is_not_sent_again(visitor: FlaskClient, path: str, name: str) -> None:
    first = visitor.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = visitor.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_what_developers_import_keeps_its_name_and_is_asked_for_again(visitor: FlaskClient) -> None:
    for name in ("party.js", "party.iife.js", "types.d.ts", "client/api.js"):
        answer = visitor.get(f"/static/{name}")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["ETag"]
        assert answer.data == (STATIC / name).read_bytes()


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False), ("", False)],
)
def test_files_are_compressed_for_whoever_takes_it(
    visitor: FlaskClient, accepted: str, is_packed: bool
) -> None:
    answer = visitor.get("/static/party.js", headers={"Accept-Encoding": accepted})
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers.get("Content-Encoding") == ("gzip" if is_packed else None)
    assert (gzip.decompress(answer.data) if is_packed else answer.data) == (STATIC / "party.js").read_bytes()
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.needs("page")
def test_a_page_of_an_earlier_release_gets_the_file_as_it_is_now_and_keeps_it_not(
    visitor: FlaskClient, static: Path
) -> None:
    (before,) = (each for each in loaded(visitor.get("/").text) if each.endswith(".css"))
    (static / "page/page.css").write_text("body { color: red }")
    files._file.cache_clear()
    answer = visitor.get(before)
    assert (answer.status_code, answer.text) == (200, "body { color: red }")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert before not in visitor.get("/").text


@pytest.mark.needs("page")
def test_a_page_whose_modules_have_changed_loads_them_instead_of_the_bundle(
    visitor: FlaskClient, static: Path
) -> None:
    with (static / "client/room.js").open("a") as module:
        module.write("// A thought.\n")
    assert "/static/page/page.js" in loaded(visitor.get("/").text)


@pytest.mark.parametrize(
    "name",
    ["nothing.0123456789ab.js", "../app.0123456789ab.py", "page.0123456789ab", "party.js.0123456789a"],
)
def test_a_hash_makes_no_file_of_what_is_none(visitor: FlaskClient, name: str) -> None:
    assert visitor.get(f"/static/{name}").status_code == 404
