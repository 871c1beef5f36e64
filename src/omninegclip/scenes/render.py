"""From a scene to its image."""

from random import Random

from PIL import Image

from omninegclip.scenes.backgrounds import background
from omninegclip.scenes.graphics import graphic
from omninegclip.scenes.scene import SIZE, Scene, SceneItem, rng


def render(scene: Scene, random: Random) -> Image.Image:
    """Draw `scene` as an RGB image of 96 x 96 pixels; `random` varies the background only."""
    image = background(scene.place.name, random, SIZE)
    for item in scene.items:
        sprite = _sprite(item).convert("RGBA")
        corner = (round(item.x - sprite.width / 2), round(item.y - sprite.height / 2))
        image.paste(sprite, corner, sprite)
    return image


def image_of(name: str, scene: Scene, seed: int, index: int) -> Image.Image:
    """Draw image `index` of the set `name`; the seed decides its background."""
    return render(scene, rng(name, "background", seed, index))


def _sprite(item: SceneItem) -> Image.Image:
    """Return the graphic mirrored, sized and turned; premultiplied opacity keeps its edges from darkening."""
    image = graphic(item.kind)
    if item.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.resize((item.size, item.size), Image.Resampling.BOX)
    return image.rotate(item.angle, Image.Resampling.BILINEAR, expand=True)
