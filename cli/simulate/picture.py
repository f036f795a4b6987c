"""A small picture for pushes that carry one."""

from __future__ import annotations

from functools import cache


@cache
def jpeg() -> bytes:
    """A JPEG of 320 × 180: a gradient with a block in it. About 3 kB."""
    import cv2
    import numpy as np

    image = np.zeros((180, 320, 3), np.uint8)
    image[..., 0] = np.linspace(40, 200, 320, dtype=np.uint8)
    image[60:120, 120:200] = (60, 180, 240)
    done, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not done:
        raise RuntimeError("OpenCV cannot write JPEG")
    return bytes(content.tobytes())
