import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omninegclip.clip.images import open_image
from omninegclip.errors import OmniNegClipError

AWKWARD = Path("../shared/data/awkward")
ORIENTATIONS = Path("../shared/data/exif_orientation")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_exif_orientation_is_applied() -> None:
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    assert open_image(encoded(image, "JPEG", exif=exif)).size == (20, 40)


def test_alpha_and_palette_drop_their_transparency() -> None:
    image = Image.new("RGBA", (4, 4), (10, 200, 30, 0))
    assert open_image(encoded(image, "PNG")).getpixel((0, 0)) == (10, 200, 30)
    palette = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    assert open_image(encoded(palette, "PNG", transparency=0)).getpixel((0, 0)) == (10, 200, 30)


def test_cmyk_and_greyscale_become_rgb() -> None:
    assert open_image(encoded(Image.new("CMYK", (4, 4), (0, 0, 0, 0)), "JPEG")).getpixel((0, 0)) == (255,) * 3
    assert open_image(encoded(Image.new("L", (4, 4), 77), "PNG")).getpixel((0, 0)) == (77,) * 3


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    levels = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    image = open_image(encoded(Image.fromarray(levels), "PNG"))
    assert np.array_equal(np.asarray(image)[..., 0].ravel(), np.arange(256))


def png_header_of(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    first = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + first + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 60_000])
def test_refuses_too_many_pixels_before_decoding(side: int) -> None:
    with pytest.raises(OmniNegClipError, match=r"bomb\.png has more than 89,478,485 pixels"):
        open_image(png_header_of(side, side), "bomb.png")


def test_names_the_file_that_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("no picture")
    with pytest.raises(OmniNegClipError, match=r"text\.jpg: it is no picture file"):
        open_image(path)
    path.write_bytes(encoded(Image.effect_noise((99, 99), 50), "JPEG")[:1000])
    with pytest.raises(OmniNegClipError, match=r"text\.jpg: .*truncated"):
        open_image(path)
    with pytest.raises(OmniNegClipError, match=r"none\.jpg does not exist"):
        open_image(tmp_path / "none.jpg")


@pytest.mark.skipif(not ORIENTATIONS.exists(), reason="shared/data is absent")
def test_all_orientations_come_out_upright() -> None:
    for kind in ("Landscape", "Portrait"):
        pictures = [open_image(ORIENTATIONS / f"{kind}_{n}.jpg").resize((30, 30)) for n in range(9)]
        levels = [np.asarray(picture).astype(float) for picture in pictures]
        assert max(abs(one - levels[0]).mean() for one in levels) < 10


@pytest.mark.skipif(not AWKWARD.exists(), reason="shared/data is absent")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_awkward_files_load_or_say_why() -> None:
    broken = {"broken.png", "broken_data_stream.png", "decompression_bomb.gif", "LICENSE"}
    for path in AWKWARD.iterdir():
        if path.name in broken:
            with pytest.raises(OmniNegClipError, match=path.name):
                open_image(path)
        else:
            assert open_image(path).mode == "RGB"
