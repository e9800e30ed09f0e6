"""Animated PNGs, written frame by frame: Pillow would hold all frames in memory at once.

Each frame is a PNG's compressed data under a chunk that says where and how long it is shown (the PNG
specification, third edition, 11.3.5).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import IO

from PIL import Image, ImageChops

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_MS = 65_535


def save(frames: Iterable[Image.Image], out: IO[bytes], loop: int = 0) -> None:
    """Write frames of one size, whose `info` has their `duration` in milliseconds; `loop` 0 is for ever."""
    header, parts, number, count = b"", [], 0, 0
    before: Image.Image | None = None
    for frame in frames:
        image = frame.convert("RGBA")
        box = _changed(before, image)
        file = BytesIO()
        image.crop(box).save(file, "PNG")
        chunks = list(_chunks(file.getvalue()))
        data = b"".join(data for kind, data in chunks if kind == b"IDAT")
        sides = (box[2] - box[0], box[3] - box[1], *box[:2])
        duration = min(LONGEST_MS, round(frame.info.get("duration", 0)))
        # Not disposed of, and in place of what was there.
        parts.append(_chunk(b"fcTL", struct.pack(">5I2H2B", number, *sides, duration, 1000, 0, 0)))
        if before is None:
            header = next(data for kind, data in chunks if kind == b"IHDR")
            parts.append(_chunk(b"IDAT", data))
            number += 1
        else:
            parts.append(_chunk(b"fdAT", struct.pack(">I", number + 1) + data))
            number += 2
        before, count = image, count + 1
    out.write(SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"acTL", struct.pack(">2I", count, loop)))
    out.writelines(parts)
    out.write(_chunk(b"IEND", b""))


def _changed(before: Image.Image | None, image: Image.Image) -> tuple[int, int, int, int]:
    """The part of an image that is not as it was before; a pixel where all is."""
    if before is None:
        return (0, 0, *image.size)
    return ImageChops.difference(before, image).getbbox(alpha_only=False) or (0, 0, 1, 1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(file):
        (length,) = struct.unpack_from(">I", file, at)
        yield file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        at += 12 + length
