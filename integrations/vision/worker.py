"""The process that decodes pictures: reads one from standard input, writes the re-encoded one, again and again.

Run by file (``python -I worker.py PIXELS EDGE QUALITY MEMORY``), so it imports nothing of ours and sees nothing of the
environment. Frames both ways: a length of four bytes, big-endian, then as many bytes. The first frame out is ``ready``;
an answer is a JPEG, or empty when the picture cannot be decoded. Decoding applies the EXIF orientation; encoding writes
pixels only: no metadata, no tail, no name.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_FRAME = 4


def make_recoder(pixels: int, edge: int, quality: int) -> Callable[[bytes, int], bytes]:
    """The function (picture, longest edge by its header) -> answer. Imports cv2 with its own pixel limit set first."""
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(pixels)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    if hasattr(cv2, "setLogLevel"):
        cv2.setLogLevel(0)

    def recode(content: bytes, longest: int) -> bytes:
        flag = cv2.IMREAD_COLOR
        if content[:2] == b"\xff\xd8" and longest >= 2 * edge:  # a JPEG is scaled while it is decoded
            flag = cv2.IMREAD_REDUCED_COLOR_4 if longest >= 4 * edge else cv2.IMREAD_REDUCED_COLOR_2
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
            if image is None:
                return b""
            height, width = image.shape[:2]
            if max(height, width) > edge:
                scale = edge / max(height, width)
                width, height = max(1, round(width * scale)), max(1, round(height * scale))
                image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        except (cv2.error, MemoryError, ValueError):
            return b""
        return encoded.tobytes() if done else b""

    return recode


def confine(memory: int) -> None:
    """Allow ``memory`` bytes of address space beyond what is in use, no core dump and no written file."""
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + memory, in_use + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def serve(recode: Callable[[bytes, int], bytes], source: BinaryIO, sink: BinaryIO) -> None:
    """Answer frames until the end of ``source``. A frame in is the longest edge (four bytes) and the picture."""
    _write(sink, b"ready")
    while len(head := source.read(_FRAME)) == _FRAME:
        frame = source.read(int.from_bytes(head))
        _write(sink, recode(frame[_FRAME:], int.from_bytes(frame[:_FRAME])))


def _write(sink: BinaryIO, frame: bytes) -> None:
    sink.write(len(frame).to_bytes(_FRAME) + frame)
    sink.flush()


if __name__ == "__main__":
    max_pixels, longest_edge, jpeg_quality, allowed = map(int, sys.argv[1:5])
    recoder = make_recoder(max_pixels, longest_edge, jpeg_quality)
    confine(allowed)
    serve(recoder, sys.stdin.buffer, sys.stdout.buffer)
