import numpy as np
import pytest

from omninegclip.scenes.backgrounds import background
from omninegclip.scenes.places import PLACES
from omninegclip.scenes.render import render
from omninegclip.scenes.scene import SIZE, rng, sample_scene


def test_a_image_is_rgb_96_and_the_same_for_the_same_seed() -> None:
    scene = sample_scene(rng("test", 1))
    first, second = render(scene, rng("background", 1)), render(scene, rng("background", 1))
    assert first.size == (SIZE, SIZE) == (96, 96)
    assert first.mode == "RGB"
    assert first.tobytes() == second.tobytes()


def test_every_object_changes_pixels_around_its_centre() -> None:
    for index in range(60):
        scene = sample_scene(rng("test", "visible", index))
        whole = np.asarray(render(scene, rng("b", index)), dtype=int)
        for number, item in enumerate(scene.items):
            rest = scene._replace(items=scene.items[:number] + scene.items[number + 1 :])
            changed = np.abs(whole - np.asarray(render(rest, rng("b", index)), dtype=int)).sum(axis=2) > 30
            assert changed.sum() > 60, (item, "is hidden by the others")


def test_scenes_hold_one_to_five_objects_of_different_sizes() -> None:
    scenes = [sample_scene(rng("test", "many", index)) for index in range(500)]
    assert {len(scene.items) for scene in scenes} == {1, 2, 3, 4, 5}
    assert any(max(scene.counts.values()) == 2 for scene in scenes)
    assert len({item.size for scene in scenes for item in scene.items}) > 20
    assert {item.mirrored for scene in scenes for item in scene.items} == {True, False}


@pytest.mark.parametrize("place", [place.name for place in PLACES])
def test_backgrounds_of_one_place_differ_from_each_other(place: str) -> None:
    images = [np.asarray(background(place, rng(place, index), SIZE), dtype=int) for index in range(6)]
    for index, image in enumerate(images):
        for other in images[:index]:
            assert np.abs(image - other).mean() > 4


def test_overlaps_stay_at_the_edges() -> None:
    for index in range(300):
        items = sample_scene(rng("test", "overlap", index)).items
        for number, item in enumerate(items):
            for other in items[:number]:
                distance = np.hypot(item.x - other.x, item.y - other.y)
                assert distance > 0.25 * (item.size + other.size)
