"""Places as images: a gradient, a ground and a few marks, every one different from the last."""

import math
from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float64]
Colour = tuple[int, int, int]
Painter = Callable[[ImageDraw.ImageDraw, Random, int, int], None]


class _Style(NamedTuple):
    """Colours, top to bottom, above and below the horizon, where that lies, and what is drawn on it."""

    above: tuple[Colour, Colour]
    below: tuple[Colour, Colour]
    horizon: tuple[float, float]
    paint: Painter


def background(place: str, random: Random, size: int) -> Image.Image:
    """Draw the place named `place` as an RGB image of `size` by `size` pixels."""
    style = _STYLES[place]
    horizon = round(random.uniform(*style.horizon) * size)
    light = random.gauss(0, 12)
    jitter = np.array([random.gauss(light, 12) for _ in range(12)]).reshape(4, 3)
    stops = np.array([*style.above, *style.below], dtype=np.float64) + jitter
    rows = np.concatenate(
        [_gradient(stops[0], stops[1], horizon), _gradient(stops[2], stops[3], size - horizon)]
    )
    noise = np.frombuffer(random.randbytes(64), np.uint8).reshape(8, 8)
    clouds = np.asarray(
        Image.fromarray(noise).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32
    )
    pixels = rows[:, None, :] + (clouds[:, :, None] - 128) * random.uniform(0.04, 0.16)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    style.paint(ImageDraw.Draw(image, "RGBA"), random, size, horizon)
    return image


def _gradient(start: Array, end: Array, rows: int) -> Array:
    return start + (end - start) * np.linspace(0, 1, max(rows, 0))[:, None]


def _dots(
    draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int, *, colour: Colour, most: int
) -> None:
    """Scatter small dots: stars, snowflakes, pebbles, flowers."""
    for _ in range(random.randint(most // 3, most)):
        x, y, radius = random.uniform(0, size), random.uniform(0, size), random.uniform(0.4, 1.4)
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=(*colour, random.randint(120, 230))
        )


def _waves(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int, *, colour: Colour) -> None:
    """Draw flat arcs below the horizon: water, dunes, furrows."""
    for _ in range(random.randint(3, 7)):
        x, y, width = random.uniform(-20, size), random.uniform(horizon, size), random.uniform(16, 60)
        draw.arc((x, y, x + width, y + width / 4), 180, 360, fill=(*colour, random.randint(60, 160)))


def _blades(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int, *, colour: Colour) -> None:
    """Draw short strokes below the horizon: grass."""
    for _ in range(random.randint(12, 40)):
        x, y = random.uniform(0, size), random.uniform(horizon, size)
        draw.line(
            (x, y, x + random.gauss(0, 2), y - random.uniform(2, 6)), fill=(*colour, random.randint(80, 200))
        )


def _stems(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int, *, colour: Colour) -> None:
    """Draw upright trunks that reach above the horizon: a wood."""
    for _ in range(random.randint(3, 8)):
        x, width, foot = (
            random.uniform(0, size),
            random.uniform(2, 7),
            horizon + random.uniform(0, 0.3) * size,
        )
        draw.rectangle((x, -1, x + width, foot), fill=(*colour, random.randint(90, 200)))


def _houses(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw fronts with windows above the horizon and a line on the road."""
    x = -random.uniform(0, 15)
    while x < size:
        width, top = random.uniform(12, 28), horizon - random.uniform(0.15, 0.45) * size
        grey = random.randint(90, 190)
        draw.rectangle(
            (x, top, x + width, horizon), fill=(grey, grey - 10, grey + random.randint(-30, 20), 255)
        )
        for step in range(random.randint(1, 4)):
            at = x + 3 + step * 6
            draw.rectangle((at, top + 4, at + 3, top + 8), fill=(250, 235, 160, random.randint(60, 220)))
        x += width + random.uniform(0, 4)
    y = (horizon + size) / 2 + random.uniform(-4, 8)
    draw.line((0, y, size, y + random.gauss(0, 2)), fill=(235, 235, 225, 180), width=1)


def _tiles(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw a grid above the horizon: a tiled wall."""
    step, shift = random.randint(9, 16), random.randint(0, 8)
    for at in range(shift, size, step):
        draw.line((at, 0, at, horizon), fill=(255, 255, 255, 90))
    for at in range(shift, horizon, step):
        draw.line((0, at, size, at), fill=(255, 255, 255, 90))


def _wall(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw an image frame or a window on the wall and a rug on the floor."""
    x, y = random.uniform(4, size - 34), random.uniform(2, max(3, horizon - 34))
    width, height = random.uniform(14, 30), random.uniform(12, 24)
    shade = random.choice(((180, 215, 240, 200), (235, 220, 190, 220), (150, 110, 80, 200)))
    draw.rectangle((x, y, x + width, y + height), fill=shade, outline=(110, 80, 60, 255))
    left = random.uniform(0, size / 2)
    rug = (random.randint(90, 220), random.randint(60, 160), random.randint(60, 160), 110)
    draw.ellipse(
        (left, horizon + 6, left + random.uniform(30, 60), horizon + random.uniform(16, 30)), fill=rug
    )


def _curtain(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw folds above the boards and one cone of light."""
    for at in range(random.randint(0, 5), size, random.randint(6, 11)):
        draw.line((at, 0, at + random.gauss(0, 1), horizon), fill=(50, 0, 10, 110), width=2)
    x = random.uniform(0.2, 0.8) * size
    draw.polygon(
        ((x, -4), (x - random.uniform(16, 34), size), (x + random.uniform(16, 34), size)),
        fill=(255, 240, 190, 50),
    )


def _planks(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int, *, colour: Colour) -> None:
    """Draw boards across the ground: a table, a bench."""
    y = float(horizon)
    while y < size:
        draw.line((0, y, size, y + random.gauss(0, 1)), fill=(*colour, random.randint(60, 150)))
        y += random.uniform(6, 13)


def _clouds(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw soft white heaps."""
    for _ in range(random.randint(1, 4)):
        x, y = random.uniform(0, size), random.uniform(0, size)
        for _ in range(4):
            dx, dy, radius = random.gauss(0, 7), random.gauss(0, 2), random.uniform(4, 9)
            draw.ellipse(
                (x + dx - radius, y + dy - radius * 0.7, x + dx + radius, y + dy + radius * 0.7),
                fill=(255, 255, 255, 100),
            )


def _dunes(draw: ImageDraw.ImageDraw, random: Random, size: int, horizon: int) -> None:
    """Draw two rolling lines of sand."""
    for depth in (0.0, 0.22):
        phase, height = random.uniform(0, 2 * math.pi), random.uniform(2, 7)
        y = horizon + depth * size
        line = [(x, y + height * math.sin(phase + x / 17)) for x in range(-4, size + 9, 8)]
        draw.polygon([*line, (size + 9, size), (-4, size)], fill=(215, 165, 95, 120))


_STYLES = {
    "beach": _Style(
        ((135, 200, 240), (200, 230, 245)),
        ((240, 220, 165), (225, 195, 135)),
        (0.3, 0.6),
        partial(_waves, colour=(250, 245, 220)),
    ),
    "street": _Style(
        ((190, 205, 220), (215, 220, 225)), ((120, 120, 125), (95, 95, 100)), (0.4, 0.65), _houses
    ),
    "snow": _Style(
        ((190, 210, 230), (220, 230, 240)),
        ((240, 245, 250), (225, 235, 245)),
        (0.3, 0.6),
        partial(_dots, colour=(255, 255, 255), most=60),
    ),
    "living room": _Style(
        ((225, 205, 180), (215, 190, 165)), ((165, 115, 80), (140, 95, 65)), (0.55, 0.75), _wall
    ),
    "kitchen": _Style(
        ((205, 225, 220), (190, 215, 210)), ((225, 215, 205), (200, 190, 180)), (0.45, 0.7), _tiles
    ),
    "night sky": _Style(
        ((12, 15, 45), (30, 35, 80)),
        ((25, 35, 45), (15, 20, 30)),
        (0.7, 1.0),
        partial(_dots, colour=(255, 250, 215), most=45),
    ),
    "meadow": _Style(
        ((150, 205, 245), (205, 230, 245)),
        ((125, 190, 90), (85, 155, 65)),
        (0.25, 0.55),
        partial(_blades, colour=(60, 130, 50)),
    ),
    "forest": _Style(
        ((95, 135, 95), (70, 110, 75)),
        ((95, 85, 55), (75, 65, 45)),
        (0.5, 0.75),
        partial(_stems, colour=(80, 55, 40)),
    ),
    "desert": _Style(
        ((245, 215, 165), (250, 230, 190)), ((230, 185, 115), (215, 165, 95)), (0.3, 0.6), _dunes
    ),
    "sea": _Style(
        ((70, 150, 200), (45, 120, 180)),
        ((35, 100, 160), (20, 70, 125)),
        (0.2, 0.8),
        partial(_waves, colour=(180, 220, 240)),
    ),
    "clear sky": _Style(
        ((90, 165, 235), (130, 190, 240)), ((150, 205, 245), (185, 220, 245)), (0.3, 0.7), _clouds
    ),
    "stage": _Style(((120, 20, 35), (95, 15, 30)), ((150, 110, 70), (120, 85, 55)), (0.6, 0.8), _curtain),
    "workshop": _Style(
        ((150, 150, 145), (135, 130, 125)),
        ((130, 100, 70), (110, 85, 60)),
        (0.35, 0.6),
        partial(_planks, colour=(70, 50, 35)),
    ),
    "desk": _Style(
        ((225, 225, 230), (210, 215, 225)),
        ((200, 160, 115), (180, 140, 100)),
        (0.1, 0.35),
        partial(_planks, colour=(140, 105, 70)),
    ),
    "savanna": _Style(
        ((250, 200, 140), (250, 220, 170)),
        ((200, 170, 90), (175, 145, 70)),
        (0.35, 0.6),
        partial(_blades, colour=(150, 120, 50)),
    ),
}
