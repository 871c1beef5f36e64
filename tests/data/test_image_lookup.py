import io
import os
import zlib

import pytest
from PIL import Image

from omninegclip.data.image_lookup import ImageRoot, open_image_ref
from omninegclip.data.items import ImageRef
from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_BYTES


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


def test_missing_is_none_and_a_folder_is_no_image(root):
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
    crop = open_image_ref(ImageRef("2.png", (4, 0, 2.4, 3)), path)
    assert (crop.size, crop.getpixel((0, 0))) == ((2, 3), (0, 0, 255))
    assert open_image_ref(ImageRef("2.png"), path) == path


def test_empty_boxes_and_broken_images_are_named(root):
    path = root / "more" / "2.png"
    with pytest.raises(OmniNegClipError, match=r"The box .* of .*2\.png is empty"):
        open_image_ref(ImageRef("2.png", (0, 0, 0, 3)), path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(OmniNegClipError, match=r"Can't read the image .*2\.png"):
        open_image_ref(ImageRef("2.png", (0, 0, 2, 2)), path)


@pytest.mark.parametrize(
    "path", ["a" * 300 + ".png", "a/" * 3000 + "1.png", "\ud800.png", "more/" + "é" * 200]
)
def test_a_name_that_no_file_can_have_is_missing(root, path):
    assert ImageRoot([root]).find(path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
def test_a_pipe_is_no_image(root):
    os.mkfifo(root / "pipe.png")
    assert ImageRoot([root]).find("pipe.png") is None


def test_a_link_that_the_user_laid_is_followed(root):
    (root / "linked").symlink_to(root / "more")
    assert ImageRoot([root]).find("linked/2.png") == root / "linked" / "2.png"


@pytest.mark.parametrize("extension", ["jpg", "."])
def test_an_extension_without_its_dot_is_named(root, extension):
    with pytest.raises(OmniNegClipError, match=r"The extension .* must begin with a dot"):
        ImageRoot([root], extension=extension)


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((0, 0, float("nan"), 3), "is empty"),
        ((0, 0, float("inf"), 3), "is empty"),
        ((8, 0, 3, 3), "lies outside its 8 x 4 pixels"),
        ((0, -9, 3, 9), "lies outside its 8 x 4 pixels"),
        ((0, 0, 1e9, 1e9), "has more than 89,478,485 pixels"),
        ((-1e6, 0, 2e6, 100), "has more than 89,478,485 pixels"),
    ],
)
def test_a_box_that_means_nothing_is_named(root, box, sentence):
    with pytest.raises(OmniNegClipError, match=rf"The box .* of .*2\.png {sentence}"):
        open_image_ref(ImageRef("2.png", box), root / "more" / "2.png")


def test_what_a_box_has_beyond_the_border_is_black(root):
    crop = open_image_ref(ImageRef("2.png", (6, 2, 4, 4)), root / "more" / "2.png")
    assert (crop.size, crop.getpixel((0, 0)), crop.getpixel((3, 3))) == ((4, 4), (0, 0, 255), (0, 0, 0))


def test_a_box_that_rounds_to_nothing_is_one_pixel_wide(root):
    assert open_image_ref(ImageRef("2.png", (1.5, 0, 1, 2)), root / "more" / "2.png").size == (1, 2)


def test_a_box_is_cut_before_the_image_is_turned(root):
    halves, exif = Image.new("RGB", (8, 4), "red"), Image.Exif()
    halves.paste("blue", (4, 0, 8, 4))
    exif[0x0112] = 6
    halves.save(root / "turned.png", exif=exif)
    crop = open_image_ref(ImageRef("turned.png", (4, 0, 4, 2)), root / "turned.png")
    assert (crop.size, crop.getcolors()) == ((2, 4), [(8, (0, 0, 255))])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_box_of_a_image_of_too_many_pixels_decodes_nothing(root):
    path = root / "more" / "2.png"
    header = bytearray(path.read_bytes())
    header[16:24] = (10_000).to_bytes(4) * 2
    path.write_bytes(header[:29] + zlib.crc32(header[12:29]).to_bytes(4) + header[33:])
    with pytest.raises(OmniNegClipError, match=r"2\.png has more than 89,478,485 pixels"):
        open_image_ref(ImageRef("2.png", (0, 0, 2, 2)), path)


def test_a_member_that_is_cut_off_too_large_or_gone_is_named(root):
    out = io.BytesIO()
    Image.effect_noise((50, 50), 50).save(out, "PNG")
    shard = root / "shard.tar"
    shard.write_bytes(bytes(512) + out.getvalue()[:500])
    for span, sentence in (
        ((512, 2000), "truncated"),
        ((512, MAX_BYTES + 1), "has more than"),
        ((9000, 9), ""),
    ):
        with pytest.raises(OmniNegClipError, match=rf"image .*shard\.tar at byte {span[0]}.*{sentence}"):
            open_image_ref(ImageRef("shard.tar", span=span), shard)
    shard.unlink()
    with pytest.raises(OmniNegClipError, match=r"Can't read .*shard\.tar"):
        open_image_ref(ImageRef("shard.tar", span=(0, 9)), shard)
