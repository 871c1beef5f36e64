import io
import tarfile

import pytest
from PIL import Image

from omninegclip.data.image_lookup import ImageRoot, open_image_ref
from omninegclip.data.readers import webdataset
from omninegclip.errors import OmniNegClipError


def png(colour):
    out = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(out, "PNG")
    return out.getvalue()


def tar(path, members):
    with tarfile.open(path, "w") as file:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def test_samples_join_by_name_and_images_stay_in_the_tar(tmp_path):
    path = tar(
        tmp_path / "shard.tar",
        [
            ("set/000.png", png("red")),
            ("set/000.txt", b"a red square\nsomething red\n"),
            ("set/000.meta.json", b"{}"),
            ("set/001.txt", b"no image"),
            ("set/002.txt", b"a blue square"),
            ("set/002.png", png("blue")),
        ],
    )
    first, second = webdataset.read_captions(path)
    assert (first.id, first.captions) == ("set/000", ("a red square", "something red"))
    place = ImageRoot([tmp_path]).find(second.image.path)
    assert open_image_ref(second.image, place).getpixel((0, 0)) == (0, 0, 255)


def test_classes_are_indices_into_a_list(tmp_path, write):
    path = tar(tmp_path / "shard.tar", [("0.png", png("red")), ("0.cls", b"1")])
    assert next(webdataset.read_labels(path, write("classes.txt", "cat\nsquare\n"))).label == "square"
    with pytest.raises(OmniNegClipError, match=r"Sample 0 of .* has the class '1': 1 are there"):
        list(webdataset.read_labels(path, write("classes.txt", "cat\n")))


def test_a_tar_that_is_cut_off_or_repeats_itself_is_named(tmp_path):
    path = tar(tmp_path / "shard.tar", [("0.png", png("red")), ("1.txt", b"a"), ("0.txt", b"b")])
    with pytest.raises(OmniNegClipError, match="has the id '0' twice"):
        list(webdataset.read_captions(path))
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(OmniNegClipError, match="no complete tar"):
        list(webdataset.read_captions(path))


@pytest.mark.parametrize("extension", ["gif", "TIFF", "avif", "bmp", "heic", "webp"])
def test_every_format_that_is_read_makes_a_sample(tmp_path, extension):
    path = tar(tmp_path / "shard.tar", [(f"0.{extension}", png("red")), ("0.txt", b"a red square")])
    assert [item.id for item in webdataset.read_captions(path)] == ["0"]


@pytest.mark.parametrize("names", [("0.bmp", "0.jpg", "0.tif"), ("0.jpg", "0.tif"), ("0.tif", "0.jpg")])
def test_beside_a_photo_a_map_is_not_the_image(tmp_path, names):
    colours = {"0.jpg": "red", "0.tif": "blue", "0.bmp": "lime"}
    members = [(name, png(colours[name])) for name in names]
    path = tar(tmp_path / "shard.tar", [*members, ("0.txt", b"a red square")])
    (item,) = webdataset.read_captions(path)
    assert open_image_ref(item.image, path).getpixel((0, 0)) == (255, 0, 0)


def damaged(path, place, content):
    """Write into the first header of a tar, and its checksum anew."""
    raw = bytearray(path.read_bytes())
    raw[place : place + len(content)] = content
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    path.write_bytes(raw)


@pytest.mark.parametrize("size", [-512, -1, 2**62, 2**64])
def test_a_size_beyond_bounds_is_one_sentence(tmp_path, size):
    path = tar(tmp_path / "shard.tar", [("0.png", png("red")), ("0.txt", b"a")])
    lead = b"\xff" if size < 0 else b"\x80"
    damaged(path, 124, lead + size.to_bytes(11, signed=True))
    with pytest.raises(OmniNegClipError, match=r"shard\.tar(: Invalid| is no complete tar)"):
        list(webdataset.read_captions(path))


def test_headers_without_an_end_are_one_sentence(tmp_path):
    path = tar(tmp_path / "shard.tar", [("0.png", b"")])
    damaged(path, 156, b"L")  # the name of the next member, which is such a name again
    path.write_bytes(path.read_bytes()[:512] * 3000)
    with pytest.raises(OmniNegClipError, match=r"shard\.tar is no complete tar"):
        list(webdataset.read_captions(path))


def test_a_image_that_claims_more_than_the_tar_has_is_named(tmp_path):
    path = tmp_path / "cut.tar"
    info = tarfile.TarInfo("a.png")
    info.size = 1 << 50
    path.write_bytes(info.tobuf() + b"\0" * 1024)
    with pytest.raises(OmniNegClipError, match="is no complete tar"):
        list(webdataset.read_captions(path))
