import pytest
from PIL import Image

from omninegclip.data.images import ImageRoot, open_picture
from omninegclip.data.items import Picture
from omninegclip.errors import OmniNegClipError


@pytest.fixture
def root(tmp_path):
    for name in ("coco/val2017/1.png", "more/2.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        halves = Image.new("RGB", (8, 4), "red")
        halves.paste("blue", (4, 0, 8, 4))
        halves.save(path)
    return tmp_path


@pytest.mark.parametrize(
    "path",
    [
        "1.png",
        "val2017/1.png",
        "/workspace/datasets/val2017/1.png",
        "data\\coco\\val2017\\1.png",
        " ./val2017//1.png",
    ],
)
def test_paths_of_other_machines_are_found_again(root, path):
    images = ImageRoot([root / "more", root / "coco" / "val2017"])
    assert images.find(path) == root / "coco" / "val2017" / "1.png"


def test_the_longest_path_that_is_there_wins(root):
    (root / "1.png").write_bytes(b"")
    assert ImageRoot([root]).find("/theirs/coco/val2017/1.png") == root / "coco" / "val2017" / "1.png"


def test_missing_is_none_and_a_folder_is_no_picture(root):
    images = ImageRoot([root])
    assert images.find("3.png") is None
    assert images.find("coco/val2017") is None


def test_another_extension_may_be_asked_for(root):
    assert ImageRoot([root / "more"], extension=".png").find("/videos/2.mp4") == root / "more" / "2.png"


@pytest.mark.parametrize(
    "path", ["../secret.png", "a/../../secret.png", "..\\secret.png", "", "/", "a\0.png"]
)
def test_paths_that_point_outside_are_refused(root, path):
    with pytest.raises(OmniNegClipError, match="points outside its folder"):
        ImageRoot([root / "more"]).find(path)


def test_a_box_is_a_crop(root):
    path = root / "more" / "2.png"
    crop = open_picture(Picture("2.png", (4, 0, 2.4, 3)), path)
    assert (crop.size, crop.getpixel((0, 0))) == ((2, 3), (0, 0, 255))
    assert open_picture(Picture("2.png"), path) == path


def test_empty_boxes_and_broken_pictures_are_named(root):
    path = root / "more" / "2.png"
    with pytest.raises(OmniNegClipError, match=r"The box .* of .*2\.png is empty"):
        open_picture(Picture("2.png", (0, 0, 0, 3)), path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(OmniNegClipError, match=r"Can't read the picture .*2\.png"):
        open_picture(Picture("2.png", (0, 0, 2, 2)), path)
