"""An image made anew from what somebody sent: its pixels and nothing else.

What is not pixels goes: the position that a camera wrote down, comments, profiles, and whatever a file
carries that is an image and something else at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from threading import Lock
from typing import Any

from PIL import GifImagePlugin, Image, ImageOps, ImageSequence

from party.errors import TooLarge
from party.images.errors import NotAnImage

MAX_SIDE = 8_000
MAX_PIXELS = 24_000_000
MAX_PIXELS_OF_ALL_FRAMES = 100_000_000
JPEG_QUALITY = 88

# By how files of the formats begin, as Pillow names them, and their media types.
_BEGINNINGS = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "WEBP": (b"RIFF",),
}
TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}

# How the pixels may be stored; others are converted.
_MODES = {
    "PNG": {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"},
    "JPEG": {"L", "RGB"},
    "GIF": {"1", "L", "P", "RGB", "RGBA"},
    "WEBP": {"RGB", "RGBA"},
}

# Frames keep their palettes where they can: to find new ones takes long.
GifImagePlugin.LOADING_STRATEGY = GifImagePlugin.LoadingStrategy.RGB_AFTER_DIFFERENT_PALETTE_ONLY
# Large images take much memory: one at a time.
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Clean:
    """An image that is nothing else: its file, its media type and its sides."""

    data: bytes
    type: str
    width: int
    height: int


def clean(data: bytes) -> Clean:
    """The same image without anything else. Raises `NotAnImage`, `TooLarge`."""
    format = next((name for name, begins in _BEGINNINGS.items() if data.startswith(begins)), None)
    if format is None:
        raise NotAnImage
    with _one_at_a_time:
        try:
            with Image.open(BytesIO(data), formats=[format]) as image:
                _check_size(image)
                return _encoded(image, format)
        except (TooLarge, NotAnImage):
            raise
        except Image.DecompressionBombError:
            raise TooLarge("The image has too many pixels.") from None
        # A broken file makes Pillow raise nearly anything.
        except Exception as error:
            raise NotAnImage from error


def _check_size(image: Image.Image) -> None:
    """Before anything is decoded. Raises `TooLarge`."""
    width, height = image.size
    if max(width, height) > MAX_SIDE:
        raise TooLarge(f"An image has at most {MAX_SIDE} pixels a side.")
    if width * height > MAX_PIXELS:
        raise TooLarge(f"An image has at most {MAX_PIXELS // 1_000_000} million pixels.")
    if width * height * getattr(image, "n_frames", 1) > MAX_PIXELS_OF_ALL_FRAMES:
        raise TooLarge("The animation has too many pixels.")


def _encoded(image: Image.Image, format: str) -> Clean:
    options: dict[str, Any] = {"quality": JPEG_QUALITY} if format == "JPEG" else {}
    if format != "JPEG" and getattr(image, "is_animated", False):
        frames = _Frames(image, format)
        options |= {"save_all": True, "append_images": frames, "duration": list(_durations(image))}
        if "loop" in image.info:
            options["loop"] = image.info["loop"]
        image.seek(0)
        first = _pixels(image, format)
    else:
        first = _pixels(ImageOps.exif_transpose(image), format)
    out = BytesIO()
    first.save(out, format, **options)
    return Clean(out.getvalue(), TYPES[format], *first.size)


class _Frames:
    """All frames of an animation but the first, decoded when they are wanted: together they are large."""

    def __init__(self, image: Image.Image, format: str) -> None:
        self._image, self._format = image, format

    def __iter__(self) -> Iterator[Image.Image]:
        for frame in islice(ImageSequence.Iterator(self._image), 1, None):
            yield _pixels(frame, self._format)


def _durations(image: Image.Image) -> Iterator[int]:
    """How long each frame is shown, in milliseconds."""
    for frame in ImageSequence.Iterator(image):
        frame.load()  # WebP's says it only then
        yield frame.info.get("duration", 0)


def _pixels(image: Image.Image, format: str) -> Image.Image:
    """A copy without anything besides, in a mode that the format takes."""
    found = image.copy()
    transparency = found.info.get("transparency")
    found.info.clear()
    if transparency is not None:
        found.info["transparency"] = transparency
    if found.mode not in _MODES[format]:
        found = found.convert("RGB" if format == "JPEG" else "RGBA")
    return found
