"""Images: uploaded into a room, made anew without anything but their pixels, and shown in messages."""

import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image, ImageSequence, PngImagePlugin

from party.images import cleaning, folder, store
from party.images.cleaning import MAX_PIXELS, MAX_PIXELS_OF_ALL_FRAMES
from party.ops.cleanup import clean
from tests.conftest import Clock, MakeApp, MakeServer
from tests.rooms.test_races import at_once
from tests.support.peers import Answer, Api, Seat

KIB, MIB = 1024, 1024 * 1024
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
# What must not be in any file that is given out.
SECRET = b"52.520008N 13.404954E"


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The image's file."""
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def picture(format: str = "PNG", size: tuple[int, int] = (20, 10), **options: Any) -> bytes:
    """A file with the left half red and the right half blue."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return encoded(image, format, **options)


def animation(format: str, count: int = 3) -> bytes:
    """A file with frames of different colours, each shown longer than the one before."""
    frames = [Image.new("RGB", (20, 10), (60 * n, 0, 255 - 60 * n)) for n in range(count)]
    times = [100 * (n + 1) for n in range(count)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=times, loop=0)


def form(data: bytes, name: str = "x.png", type: str = "image/png", field: str = "image") -> dict[str, Any]:
    """A form with a file: raw bytes and headers."""
    head = (
        f'--boundary\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {type}\r\n\r\n"
    )
    raw = head.encode() + data + b"\r\n--boundary--\r\n"
    return {"raw": raw, "headers": {"Content-Type": "multipart/form-data; boundary=boundary"}}


def upload(seat: Seat, data: bytes, **fields: str) -> Answer:
    """Upload a file."""
    path = f"/rooms/{seat.code}/images"
    return seat.api.request("POST", path, token=seat.token, **form(data, **fields))


def say(seat: Seat, image: Answer | str) -> Answer:
    """Post a message with an image."""
    image_id = image if isinstance(image, str) else image.data["imageId"]
    return seat.call("POST", "/messages", {"type": "image", "content": {"imageId": image_id}})


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Where images are kept."""
    return tmp_path / "kept" / "images"


@pytest.fixture
def app(make_app: MakeApp, images: Path) -> Flask:
    """An app that takes images."""
    return make_app(IMAGES=True, IMAGES_FOLDER=images)


@pytest.fixture
def see(app: Flask) -> Callable[[str], Any]:
    """Gets what is at an address, as an <img> does."""
    return lambda url: app.test_client().get(url)


def files(images: Path) -> list[str]:
    """The names of all files that are kept, but for the note of the last sweep."""
    return sorted(path.name for path in images.iterdir() if path.name != folder.SWEPT)


# What is taken


@pytest.mark.parametrize("format", FORMATS)
def test_an_image_of_each_format_is_taken_and_shown(
    host: Seat, see: Callable[[str], Any], format: str
) -> None:
    answer = upload(host, picture(format), name="../../../etc/passwd", type="text/html")
    assert (answer.status, answer.data.keys()) == (201, {"imageId", "url", "width", "height"})
    assert (answer.data["width"], answer.data["height"]) == (20, 10)
    shown = see(answer.data["url"])
    assert shown.status_code == 200
    headers = {
        "Content-Type": TYPES[format],
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    assert {name: shown.headers[name] for name in headers} == headers
    image = Image.open(BytesIO(shown.data)).convert("RGB")
    left, right = image.getpixel((2, 5)), image.getpixel((17, 5))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert (left[0] > 200, left[2] < 50, right[0] < 50, right[2] > 200) == (True,) * 4


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
def test_an_animation_stays_one(host: Seat, see: Callable[[str], Any], format: str) -> None:
    shown = Image.open(BytesIO(see(upload(host, animation(format)).data["url"]).data))
    times, reds = [], []
    for frame in ImageSequence.Iterator(shown):
        frame.load()
        times.append(round(frame.info["duration"]))
        pixel = frame.convert("RGB").getpixel((5, 5))
        assert isinstance(pixel, tuple)
        reds.append(round(pixel[0] / 60))
    assert (times, reds) == ([100, 200, 300], [0, 1, 2])
    assert shown.info["loop"] == 0


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP"])
def test_an_animation_that_takes_too_long_is_refused(
    host: Seat, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setattr(cleaning, "MOST_SECONDS", -1)
    answer = upload(host, animation(format))
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert upload(host, picture(format)).status == 201


def test_an_upload_waits_only_so_long_for_those_before_it(
    host: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "WAIT_SECONDS", 1)
    with cleaning._one_at_a_time:
        answer = upload(host, picture())
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert upload(host, picture()).status == 201


def test_an_animated_png_keeps_what_can_be_seen_through_and_what_stands_still(
    host: Seat, see: Callable[[str], Any]
) -> None:
    frames = [Image.new("RGBA", (20, 10), (0, 0, 0, 0)) for _ in range(4)]
    frames[1].paste((255, 0, 0, 255), (5, 2, 9, 6))
    frames[3].paste((0, 255, 0, 128), (0, 0, 20, 10))
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=70_000, loop=3)
    shown = Image.open(BytesIO(see(upload(host, data).data["url"]).data))
    assert (shown.n_frames, shown.info["loop"]) == (4, 3)  # type: ignore[attr-defined]
    for number, frame in enumerate(frames):
        shown.seek(number)
        assert shown.convert("RGBA").tobytes() == frame.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_images_of_many_kinds_are_taken(host: Seat, mode: str) -> None:
    format = "JPEG" if mode == "CMYK" else "PNG"
    assert upload(host, encoded(Image.new(mode, (9, 9)), format)).status == 201


def test_what_can_be_seen_through_stays_so(host: Seat, see: Callable[[str], Any]) -> None:
    clear = Image.new("RGBA", (9, 9), (255, 0, 0, 0))
    palette = clear.convert("RGB").quantize(4)
    for data in (encoded(clear, "PNG"), encoded(clear, "WEBP"), encoded(palette, "GIF", transparency=0)):
        shown = Image.open(BytesIO(see(upload(host, data).data["url"]).data)).convert("RGBA")
        assert shown.getpixel((4, 4))[3] == 0  # type: ignore[index]


def with_secrets(format: str) -> bytes:
    """A file that says where it was taken, in all places that the format has for it; it lies on its side."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[0x001D] = SECRET.decode()
    options: dict[str, Any] = {"icc_profile": SECRET * 20}
    if format == "GIF":
        options = {"comment": SECRET}
    else:
        options["exif"] = exif.tobytes()
    if format == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        options["pnginfo"] = text
    if format == "JPEG":
        options |= {"comment": SECRET, "xmp": SECRET}
    if format == "WEBP":
        options["xmp"] = SECRET
    return picture(format, **options)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_but_pixels_is_kept(host: Seat, see: Callable[[str], Any], images: Path, format: str) -> None:
    data = with_secrets(format) + b"<script>alert(1)</script>" + SECRET
    assert SECRET in data
    answer = upload(host, data)
    shown = see(answer.data["url"]).data
    for kept in (shown, (images / answer.data["imageId"]).read_bytes()):
        assert SECRET not in kept
        assert b"script" not in kept
        assert not Image.open(BytesIO(kept)).getexif()
    # As it is meant to be looked at, for what said so is gone, too.
    assert Image.open(BytesIO(shown)).size == ((10, 20) if format != "GIF" else (20, 10))


# What is refused


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int) -> bytes:
    """A small file that says it has so many pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def zip_file() -> bytes:
    """An archive."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.png", picture())
    return out.getvalue()


BROKEN = {
    "nothing": b"",
    "text": b"hello",
    "a zip": zip_file(),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "a PDF": b"%PDF-1.7\n",
    "BMP": picture("BMP"),
    "TIFF": picture("TIFF"),
    "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "a WAV": b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\0" * 40,
    "GIF with JavaScript": b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)",
    "an image behind HTML": b"<script></script>" + picture(),
    "a JPEG named as a PNG is, cut": b"\x89PNG\r\n\x1a\n" + picture("JPEG"),
    **{f"half a {format}": picture(format, (200, 200))[:-60] for format in FORMATS},
    **{f"only the beginning of a {format}": picture(format)[:12] for format in FORMATS},
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_image_is_refused_and_leaves_nothing(
    app: Flask, host: Seat, images: Path, what: str
) -> None:
    answer = upload(host, BROKEN[what])
    assert (answer.status, answer.code) == (400, "NOT_AN_IMAGE")
    assert not images.exists()
    assert app.extensions["party.database"].all("SELECT name FROM party_images") == []


def still_gif(width: int, height: int, count: int) -> bytes:
    """A small file with many frames, each of one colour."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return screen + frame * count + b";"


@pytest.mark.parametrize(
    "data",
    [
        png_of(65_535, 65_535),
        png_of(8001, 1),
        png_of(1, 8001),
        png_of(8000, MAX_PIXELS // 8000 + 1),
        still_gif(1000, 1000, MAX_PIXELS_OF_ALL_FRAMES // 1_000_000 + 1),
        picture("GIF").replace(struct.pack("<HH", 20, 10), struct.pack("<HH", 65_535, 65_535)),
    ],
    ids=["65535", "too wide", "too high", "too many pixels", "too many frames", "GIF of 65535"],
)
def test_what_has_too_many_pixels_is_refused_before_it_is_decoded(host: Seat, data: bytes) -> None:
    began = time.process_time()
    answer = upload(host, data)
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert time.process_time() - began < 2


def test_a_file_has_at_most_2_mib(host: Seat) -> None:
    data = picture()
    assert upload(host, data + b"\0" * (2 * MIB - len(data))).status == 201
    for size in (2 * MIB + 1, 2 * MIB + 100 * KIB):
        answer = upload(host, data + b"\0" * (size - len(data)))
        assert (answer.status, answer.code) == (413, "TOO_LARGE")


TEXT_FIELD = b'--boundary\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--boundary--\r\n'


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: {"json": {"image": "x"}},
        dict,
        lambda: form(picture(), field="file"),
        lambda: {**form(picture()), "headers": {"Content-Type": "multipart/form-data"}},
        lambda: {**form(picture()), "headers": {"Content-Type": "multipart/form-data; boundary=other"}},
        lambda: {**form(picture()), "headers": {"Content-Type": "image/png"}},
        lambda: {**form(picture()), "raw": TEXT_FIELD},
        lambda: {**form(picture()), "raw": form(picture())["raw"][:200]},
    ],
)  # fmt: skip
def test_a_form_without_the_file_is_refused(host: Seat, request_of: Callable[[], dict[str, Any]]) -> None:
    answer = host.api.request("POST", f"/rooms/{host.code}/images", token=host.token, **request_of())
    assert (answer.status, answer.code, answer.error.get("field")) == (400, "VALIDATION_ERROR", "image")


@pytest.mark.needs("messages")
def test_where_images_are_off_there_is_nothing(make_app: MakeApp) -> None:
    client = Api.of_app(make_app())
    host = client.create_room()
    assert (upload(host, picture()).status, upload(host, picture()).code) == (404, "NOT_FOUND")
    assert client.request("GET", f"/rooms/{host.code}/images/{'0' * 32}").code == "NOT_FOUND"
    assert say(host, "0" * 32).code == "IMAGE_NOT_FOUND"


def test_only_who_plays_uploads(client: Api, host: Seat) -> None:
    assert upload(client.join(host.code), picture()).status == 201
    assert upload(client.join(host.code, spectate=True), picture()).code == "PLAYERS_ONLY"
    path = f"/rooms/{host.code}/images"
    for token, code in (
        (None, "TOKEN_REQUIRED"),
        ("x", "TOKEN_INVALID"),
        (client.create_room().token, "NOT_A_MEMBER"),
    ):
        assert client.request("POST", path, token=token, **form(picture())).code == code
    host.call("POST", "/end")
    assert upload(host, picture()).code == "ROOM_ENDED"


def test_ten_uploads_a_minute_by_one_member_and_refused_ones_count(
    client: Api, host: Seat, clock: Clock
) -> None:
    guest = client.join(host.code)
    assert [upload(host, b"x").status for _ in range(5)] == [400] * 5
    assert [upload(host, picture()).status for _ in range(6)] == [201] * 5 + [429]
    assert upload(guest, picture()).status == 201
    clock.advance(60)
    assert upload(host, picture()).status == 201


# Showing


@pytest.mark.needs("messages")
def test_an_image_is_shown_in_a_message_of_its_owner(client: Api, host: Seat, clock: Clock) -> None:
    guest = client.join(host.code)
    image = upload(guest, picture())
    for other in (say(host, image), say(guest, "0" * 32), say(guest, ""), say(client.create_room(), image)):
        assert (other.status, other.code) == (404, "IMAGE_NOT_FOUND")
    message = say(guest, image).data["messageId"]
    shown = {"url": image.data["url"], "width": 20, "height": 10}
    (posted,) = (event["payload"] for event in host.read() if event["type"] == "message-posted")
    assert (posted["message"]["type"], posted["message"]["content"]) == ("image", shown)
    (kept,) = host.call("GET", "/messages").data["messages"]
    assert (kept["id"], kept["content"]) == (message, shown)


@pytest.mark.needs("messages")
def test_who_takes_the_id_of_a_former_member_has_not_its_images(client: Api, host: Seat) -> None:
    guest = client.join(host.code, participantId="guest")
    image = upload(guest, picture())
    guest.call("POST", "/leave")
    assert say(client.join(host.code, participantId="guest"), image).code == "IMAGE_NOT_FOUND"


def test_the_address_counts_where_the_service_is_mounted(app: Flask, host: Seat) -> None:
    response = app.test_client().post(
        f"/rooms/{host.code}/images",
        data=form(picture())["raw"],
        headers={**form(picture())["headers"], "Authorization": f"Bearer {host.token}"},
        environ_overrides={"SCRIPT_NAME": "/party"},
    )
    data = (response.json or {})["data"]
    assert data["url"] == f"/party/rooms/{host.code}/images/{data['imageId']}"


@pytest.mark.parametrize(
    "name", ["0" * 32, "x", "..", "%2e%2e", "..%2fparty.sqlite3", ".swept", "%00", "x" * 500]
)
def test_what_is_no_image_of_the_room_is_not_found(client: Api, host: Seat, name: str) -> None:
    upload(host, picture())
    answer = client.request("GET", f"/rooms/{host.code}/images/{name}")
    assert (answer.status, answer.code) in {(404, "IMAGE_NOT_FOUND"), (404, "NOT_FOUND")}


def test_an_image_of_one_room_is_not_found_under_another(client: Api, host: Seat) -> None:
    name = upload(host, picture()).data["imageId"]
    other = client.create_room()
    assert client.request("GET", f"/rooms/{other.code}/images/{name}").code == "IMAGE_NOT_FOUND"


# Going


@pytest.mark.needs("messages")
def test_an_image_goes_with_the_last_message_that_shows_it(
    client: Api, host: Seat, images: Path, clock: Clock, see: Callable[[str], Any]
) -> None:
    image = upload(host, picture())
    url = image.data["url"]
    messages = []
    for _ in range(2):
        messages.append(say(host, image).data["messageId"])
        clock.advance(1)
    host.call("POST", f"/messages/{messages[1]}/delete")
    assert see(url).status_code == 200
    host.call("POST", f"/messages/{messages[0]}/delete")
    assert client.request("GET", url).code == "IMAGE_NOT_FOUND"
    assert files(images) == []
    assert say(host, image).code == "IMAGE_NOT_FOUND"


def grow_old(path: Path, clock: Clock, minutes: float = 0) -> None:
    """Let a file be from so long ago."""
    at = clock.now / 1000 - minutes * 60
    os.utime(path, (at, at))


def swept(app: Flask, clock: Clock) -> int:
    """How many files a cleanup removes."""
    with app.app_context():
        return clean(app.extensions["party.database"], clock.now)["image files swept"]


@pytest.mark.needs("messages")
def test_images_go_with_their_room(app: Flask, client: Api, host: Seat, images: Path, clock: Clock) -> None:
    image = upload(host, picture())
    say(host, image)
    grow_old(images / image.data["imageId"], clock)
    host.call("POST", "/end")
    clock.advance(25 * 3600)
    swept(app, clock)
    clock.advance(3600)
    swept(app, clock)
    assert files(images) == []
    assert app.extensions["party.database"].all("SELECT name FROM party_images") == []


@pytest.mark.needs("messages")
def test_old_messages_take_their_images_along(make_app: MakeApp, images: Path, clock: Clock) -> None:
    app = make_app(IMAGES=True, IMAGES_FOLDER=images, MESSAGE_TTL_HOURS=1)
    host = Api.of_app(app).create_room()
    say(host, upload(host, picture()))
    assert len(files(images)) == 1
    clock.advance(3600)
    swept(app, clock)
    assert files(images) == []


class Killed(BaseException):
    """The process is killed here."""


@pytest.mark.needs("messages")
@pytest.mark.parametrize(
    "where", ["before the file is whole", "before the row", "before the file is deleted"]
)
def test_whoever_is_killed_in_between_leaves_nothing_after_the_cleanup(
    app: Flask, client: Api, host: Seat, images: Path, clock: Clock, where: str
) -> None:
    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    first = upload(host, picture())
    message = say(host, first).data["messageId"]
    deletes = where == "before the file is deleted"
    victim: tuple[Any, str] = {
        "before the file is whole": (Path, "rename"),
        "before the row": (store, "keep"),
        "before the file is deleted": (folder, "drop"),
    }[where]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*victim, kill)
        with pytest.raises(Killed):
            host.call("POST", f"/messages/{message}/delete") if deletes else upload(host, picture())
    if deletes:
        assert client.request("GET", first.data["url"]).code == "IMAGE_NOT_FOUND"
    assert len(files(images)) == (1 if deletes else 2)
    for path in images.iterdir():
        grow_old(path, clock, 9)
    # It might still be waiting for its row.
    assert swept(app, clock) == 0
    clock.advance(3600)
    assert swept(app, clock) == 1
    rows = app.extensions["party.database"].all("SELECT name FROM party_images")
    assert files(images) == [row["name"] for row in rows] == ([] if deletes else [first.data["imageId"]])


def test_the_folder_is_swept_now_and_then(app: Flask, host: Seat, images: Path, clock: Clock) -> None:
    upload(host, picture())
    clock.advance(3600)
    assert swept(app, clock) == 0
    orphan = images / "orphan"
    orphan.write_bytes(b"x")
    grow_old(orphan, clock, 60)
    clock.advance(29 * 60)
    assert swept(app, clock) == 0
    clock.advance(60)
    assert swept(app, clock) == 1


# Room for it


def noise(size: int) -> bytes:
    """A file of about so many bytes that cannot be made smaller."""
    side = int((size / 3) ** 0.5)
    return encoded(Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)), "PNG")


@pytest.mark.needs("messages")
def test_beyond_what_all_images_may_take_there_is_no_room(
    make_app: MakeApp, images: Path, clock: Clock
) -> None:
    client = Api.of_app(make_app(IMAGES=True, IMAGES_FOLDER=images, IMAGES_MB=1))
    host, other = client.create_room(), client.create_room()
    first = upload(host, noise(600 * KIB))
    assert first.status == 201
    for seat in (host, other):
        answer = upload(seat, noise(600 * KIB))
        assert (answer.status, answer.code) == (507, "STORAGE_FULL")
    assert files(images) == [first.data["imageId"]]
    host.call("POST", f"/messages/{say(host, first).data['messageId']}/delete")
    assert upload(other, noise(600 * KIB)).status == 201


def test_a_full_disk_is_told_and_leaves_nothing(
    app: Flask, host: Seat, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = upload(host, picture())

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = upload(host, picture())
    assert (answer.status, answer.code) == (507, "STORAGE_FULL")
    assert files(images) == [first.data["imageId"]]


def test_nobody_else_on_the_machine_reads_what_is_kept(host: Seat, images: Path) -> None:
    name = upload(host, picture()).data["imageId"]
    assert (images.stat().st_mode & 0o777, (images / name).stat().st_mode & 0o777) == (0o700, 0o600)


def test_of_uploads_at_once_none_is_lost_and_there_are_never_too_many(
    server: MakeServer, images: Path
) -> None:
    api = Api.of_url(server(workers=3, threads=8, IMAGES=True, IMAGES_FOLDER=images, IMAGES_MB=1).url)
    seats = [api.create_room() for _ in range(6)]
    data = noise(300 * KIB)
    answers = at_once([lambda seat=seat: upload(seat, data, name="same.png") for seat in seats])  # type: ignore[misc]
    stored = [answer.data for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 507}
    assert sorted(image["imageId"] for image in stored) == files(images)
    assert len(stored) <= 3
    assert sum((images / name).stat().st_size for name in files(images)) <= MIB
    # Two of one name are two.
    two = [upload(seat, picture(), name="same.png").data["imageId"] for seat in seats[:2]]
    assert len(set(two)) == 2


def test_no_reader_ever_sees_half_an_image(server: MakeServer, images: Path) -> None:
    api = Api.of_url(server(workers=2, threads=8, IMAGES=True, IMAGES_FOLDER=images).url)
    host = api.create_room()
    images.mkdir(parents=True)
    uploads = [lambda: upload(host, noise(400 * KIB))] * 4

    def watch() -> Answer:
        seen = set()
        for _ in range(200):
            for name in files(images):
                if not name.endswith(folder.UNFINISHED):
                    Image.open(images / name).load()
                    seen.add(name)
            if len(seen) == len(uploads):
                break
            time.sleep(0.01)
        assert len(seen) == len(uploads)
        return host.call("GET")

    assert {answer.status for answer in at_once([watch, *uploads])} == {200, 201}
