"""An image made anew from what somebody sent: its pixels and nothing else.

What is not pixels goes: the position that a camera wrote down, comments, profiles, and whatever a file
carries that is an image and something else at once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from threading import Lock

from PIL import GifImagePlugin, Image, ImageOps, ImageSequence

from party.errors import TooLarge, Unavailable
from party.images import apng
from party.images.errors import NotAnImage

MAX_SIDE = 8_000
MAX_PIXELS = 24_000_000
MAX_PIXELS_OF_ALL_FRAMES = 100_000_000
JPEG_QUALITY = 88
# What an animation may take of a processor; and how long an upload waits for those before it.
MOST_SECONDS = 20
WAIT_SECONDS = 10

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
    """The same image without anything else. Raises `NotAnImage`, `TooLarge`, `Unavailable`."""
    format = next((name for name, begins in _BEGINNINGS.items() if data.startswith(begins)), None)
    if format is None:
        raise NotAnImage
    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("Other images are being taken just now.", retry_after=WAIT_SECONDS)
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
    finally:
        _one_at_a_time.release()


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
    out = BytesIO()
    if format != "JPEG" and getattr(image, "is_animated", False):
        loop = {"loop": image.info["loop"]} if "loop" in image.info else {}
        _save_animation(image, format, out, loop)
        size = image.size
    else:
        still = _pixels(ImageOps.exif_transpose(image), format)
        still.save(out, format, **({"quality": JPEG_QUALITY} if format == "JPEG" else {}))
        size = still.size
    return Clean(out.getvalue(), TYPES[format], *size)


def _save_animation(image: Image.Image, format: str, out: BytesIO, loop: dict[str, int]) -> None:
    """Write all frames, each decoded when it is wanted: together they are large.

    Raises `TooLarge` for an animation that takes too long.
    """
    until = time.thread_time() + MOST_SECONDS
    if format == "WEBP":
        # Its writer seeks the frames itself, and is told before how long they are shown.
        times = [frame.info["duration"] for frame in _frames(image, format, until)]
        seek = image.seek

        def seek_in_time(frame: int) -> None:
            _check(until)
            seek(frame)

        image.seek = seek_in_time  # type: ignore[method-assign]
        image.save(out, format, save_all=True, duration=times, exif=b"", xmp=b"", icc_profile=b"", **loop)
    elif format == "PNG":
        apng.save(_frames(image, format, until), out, **loop)
    else:
        frames = _frames(image, format, until)
        next(frames).save(out, format, save_all=True, append_images=frames, **loop)


def _frames(image: Image.Image, format: str, until: float) -> Iterator[Image.Image]:
    """The frames, without anything besides but their `duration` in milliseconds."""
    for frame in ImageSequence.Iterator(image):
        _check(until)
        frame.load()  # WebP's says only then how long it is shown
        found = _pixels(frame, format)
        found.info["duration"] = frame.info.get("duration", 0)
        yield found


def _check(until: float) -> None:
    """Raises `TooLarge` when this thread has used the processor for so long."""
    if time.thread_time() > until:
        raise TooLarge("The animation takes too long to be taken.")


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
