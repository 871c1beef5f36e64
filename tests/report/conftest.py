"""A made-up run: its figures, curves and images."""

import io
import math

import pytest
from PIL import Image, ImageDraw

from omninegclip.evaluation.intervals import Estimate
from omninegclip.report.table import FigureRow
from omninegclip.report.thumbnails import Thumbnail, ThumbnailRow


@pytest.fixture(scope="session")
def rows() -> list[FigureRow]:
    return [
        FigureRow(
            "presence accuracy",
            "seen",
            (Estimate(0.5, 0.48, 0.52, 2000), Estimate(0.9, 0.88, 0.91, 2000)),
            0.51,
            0.5,
        ),
        FigureRow("presence accuracy", "held-out", (Estimate(0.52, 0.49, 0.55, 1000), None), None, 0.5),
        FigureRow(
            "retrieval R@1",
            "seen",
            (Estimate(0.92, 0.90, 0.94, 1000), Estimate(0.874, 0.85, 0.89, 1000)),
            None,
            0.001,
        ),
        FigureRow(
            "object AUC",
            "seen",
            (Estimate(0.975, 0.97, 0.98, 100), Estimate(0.972, 0.966, 0.979, 100)),
            None,
            0.5,
            unit="",
        ),
    ]


@pytest.fixture(scope="session")
def loss() -> list[tuple[float, float]]:
    return [(step, math.exp(-step / 40) + 0.1 * math.sin(step)) for step in range(150)]


@pytest.fixture(scope="session")
def png() -> bytes:
    image = Image.new("RGB", (24, 24), "skyblue")
    ImageDraw.Draw(image).ellipse((4, 4, 20, 20), fill="tomato")
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def image_rows(png: bytes) -> list[ThumbnailRow]:
    right, wrong = Thumbnail(png, True, "a red ball", 0.31), Thumbnail(png, False, 'a "dog"', -0.04)
    return [
        ThumbnailRow(
            "a ball <script>alert(1)</script>", {"pretrained": [wrong, wrong], "omni": [right, wrong]}
        )
    ]
