import io
import os
import random
import socket
import struct
import sys
import tracemalloc
import types
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageFile, ImageOps

from omninegclip import images
from omninegclip.errors import OmniNegClipError
from omninegclip.images import MAX_BYTES, open_image

SOURCES = Path(__file__).parents[1]
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
    path.write_text("no image")
    with pytest.raises(OmniNegClipError, match=r"text\.jpg: it is not an image file"):
        open_image(path)
    path.write_bytes(encoded(Image.effect_noise((99, 99), 50), "JPEG")[:1000])
    with pytest.raises(OmniNegClipError, match=r"text\.jpg: .*truncated"):
        open_image(path)
    with pytest.raises(OmniNegClipError, match=r"none\.jpg does not exist"):
        open_image(tmp_path / "none.jpg")


def colours(mode: str = "RGB") -> Image.Image:
    """Return 9 x 7 pixels, each another."""
    y, x = np.mgrid[:7, :9]
    return Image.fromarray(np.stack([x * 28, y * 36, x * y * 5], axis=-1).astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("form", ["JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_each_format_is_read_from_a_path_and_from_bytes_alike(form: str, tmp_path: Path) -> None:
    content = encoded(colours(), form)
    (tmp_path / "a.bin").write_bytes(content)
    with Image.open(io.BytesIO(content)) as image:
        expected = image.convert("RGB")
    for source in (content, tmp_path / "a.bin", expected):
        assert open_image(source).tobytes() == expected.tobytes()


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
showpage
"""


def test_an_eps_named_jpg_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def ghostscript(*args: object, **options: object) -> object:
        started.append(args)
        return Image.new("RGB", (8, 8)).im

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    (tmp_path / "cat.jpg").write_bytes(EPS)
    with pytest.raises(OmniNegClipError, match=r"cat\.jpg: it is not an image file"):
        open_image(tmp_path / "cat.jpg")
    assert not started


@pytest.mark.parametrize("form", ["ICO", "TGA", "PCX", "SGI", "DDS", "JPEG2000", "IM", "MSP"])
def test_no_format_is_decoded_that_is_not_listed(form: str) -> None:
    content = encoded(colours("1" if form == "MSP" else "RGB"), form)
    with pytest.raises(OmniNegClipError, match=r"it is not an image file.*JPEG, PNG, WebP"):
        open_image(content)


def test_images_are_opened_in_one_place_only() -> None:
    files = [path for folder in ("src", "recipes") for path in (SOURCES / folder).rglob("*.py")]
    assert [path.name for path in files if "Image.open(" in path.read_text("utf-8")] == ["images.py"]


HEIC = struct.pack(">I4s4sI", 24, b"ftyp", b"heic", 0) + b"mif1heic" + bytes(40)


@pytest.fixture
def forget_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    images._has_heif.cache_clear()
    yield
    images._has_heif.cache_clear()


@pytest.mark.usefixtures("forget_heif")
def test_heic_says_which_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    (tmp_path / "phone.jpg").write_bytes(HEIC)
    with pytest.raises(OmniNegClipError, match=r"phone\.jpg: it is a HEIC image.*omninegclip\[heif\]"):
        open_image(tmp_path / "phone.jpg")


@pytest.mark.usefixtures("forget_heif")
def test_heic_is_read_when_the_extra_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class HeifFile(ImageFile.ImageFile):
        def _open(self) -> None:
            self._mode, self._size = "RGB", (2, 3)
            self.im = Image.core.new("RGB", (2, 3))

    plugin = types.ModuleType("pillow_heif")
    plugin.register_heif_opener = lambda: Image.register_open("HEIF", HeifFile)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    assert open_image(HEIC).size == (2, 3)


def special_files(folder: Path) -> dict[str, Path]:
    os.mkfifo(folder / "pipe.jpg")
    (folder / "folder.jpg").mkdir()
    (folder / "zeros.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.jpg"))
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    paths = special_files(tmp_path)
    for name in ("pipe", "folder", "zeros"):
        with pytest.raises(OmniNegClipError, match=rf"{name}\.jpg is not a regular file"):
            open_image(paths[name])
    with pytest.raises(OmniNegClipError, match=r"Can't read the image .*socket\.jpg"):
        open_image(paths["socket"])


@pytest.mark.parametrize("path", ["a" * 300, "a\0b", "\ud800.png"])
def test_a_name_that_no_file_can_have_is_an_error_too(path: str) -> None:
    with pytest.raises(OmniNegClipError, match="Can't read the image"):
        open_image(Path(path))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV", "F"])
def test_every_mode_becomes_what_pillow_makes_of_it(mode: str) -> None:
    image = colours({"RGBa": "RGBA", "PA": "P"}.get(mode, "RGB")).convert(mode)
    assert open_image(image).tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_all_modes_of_more_than_8_bits_are_scaled_alike(mode: str) -> None:
    levels = np.array([[0, 255, 256, 32_768, 65_535]])
    kind = {"I;16B": ">u2", "I": "<i4"}.get(mode, "<u2")
    image = Image.frombytes(mode, (5, 1), levels.astype(kind).tobytes())
    assert np.asarray(open_image(image))[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_levels_outside_16_bits_are_black_and_white() -> None:
    image = Image.fromarray(np.array([[-70_000, -1, 65_536, 2**31 - 1]], np.int32))
    assert np.asarray(open_image(image))[0, :, 0].tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("kind", ["<u2", "<i4"])
def test_scaling_16_bits_takes_no_second_image_of_large_numbers(kind: str) -> None:
    image = Image.fromarray(np.zeros((1000, 2000), kind))
    tracemalloc.start()
    open_image(image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000  # of Python and NumPy: 24 bytes a pixel would be 48 million


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_image_is_turned_once_whatever_holds_it(form: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(colours(), form, exif=exif)
    (tmp_path / "a").write_bytes(content)
    with Image.open(io.BytesIO(content)) as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    for source in (content, tmp_path / "a"):
        once = open_image(source)
        for upright in (once, open_image(once)):
            assert (upright.size, upright.tobytes()) == (expected.size, expected.tobytes())


@pytest.mark.parametrize("mode", ["RGBA", "CMYK"])
def test_a_turned_tiff_is_the_same_image_as_a_path_and_as_bytes(mode: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Pillow maps such a file into memory and then forgets to turn it
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(colours(mode), "TIFF", exif=exif))
    upright = colours(mode).convert("RGB").transpose(Image.Transpose.ROTATE_270)
    for source in (path, path.read_bytes()):
        assert (open_image(source).size, open_image(source).tobytes()) == ((7, 9), upright.tobytes())


@pytest.mark.parametrize(
    "error",
    [struct.error, KeyError, ZeroDivisionError, OverflowError, RecursionError, AttributeError, EOFError],
)
def test_broken_exif_leaves_the_image_as_it_is_stored(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Image.Exif, data: bytes) -> None:
        raise error("odd")

    monkeypatch.setattr(Image.Exif, "load", broken)
    content = encoded(colours(), "PNG", exif=b"Exif\0\0MM\0*")
    assert open_image(content).tobytes() == colours().tobytes()


@pytest.mark.parametrize("error", [KeyError, ZeroDivisionError, OverflowError, RecursionError, MemoryError])
def test_whatever_a_decoder_raises_is_one_sentence(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: ImageFile.ImageFile) -> None:
        raise error

    content = encoded(colours(), "PNG")
    monkeypatch.setattr(ImageFile.ImageFile, "load", broken)
    with pytest.raises(OmniNegClipError, match=r"^Can't read the image cat\.png: .+\.$"):
        open_image(content, "cat.png")


def test_a_text_chunk_that_unpacks_to_gigabytes_is_not_unpacked() -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    content = encoded(colours(), "PNG")
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000)))
    tracemalloc.start()
    with pytest.raises(OmniNegClipError, match="too large"):
        open_image(content[:33] + bomb + content[33:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def tiff(tags: dict[int, int], content: bytes) -> bytes:
    """Return a TIFF of these tags, all of one LONG, and the content at the place of tag 324."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value or start) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + content


@pytest.mark.parametrize(("width", "height"), [(40_000, 40_000), (89_478_486, 1), (16, 1 << 31)])
def test_a_small_tiff_of_huge_tiles_is_refused_before_they_are_unpacked(width: int, height: int) -> None:
    content = zlib.compress(bytes(100_000))
    tags = {256: 100, 257: 100, 258: 8, 259: 8, 262: 1, 277: 1, 324: 0, 325: len(content)}
    with pytest.raises(OmniNegClipError, match=r"bomb\.tif: its tiles have more than 89,478,485 pixels"):
        open_image(tiff(tags | {322: width, 323: height}, content), "bomb.tif")


def test_a_webp_of_a_huge_canvas_is_refused() -> None:
    canvas = bytes([2, 0, 0, 0]) + (65_535).to_bytes(3, "little") + (65_534).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    with pytest.raises(OmniNegClipError, match=r"bomb\.webp has more than 89,478,485 pixels"):
        open_image(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk, "bomb.webp")


def test_a_file_larger_than_any_image_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.webp"
    with path.open("wb") as file:
        file.write(encoded(colours(), "WEBP"))
        file.truncate(MAX_BYTES + 1)  # takes no space on the disk
    with pytest.raises(OmniNegClipError, match=r"sparse\.webp: it has more than 715,827,880 bytes"):
        open_image(path)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "TIFF", "AVIF"])
def test_of_many_frames_the_first_one_counts(form: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "lime")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    red, green, blue = open_image(content).getpixel((8, 8))  # type: ignore[misc]
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_a_damaged_file_gives_a_image_or_one_sentence(form: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [colours()]} if form in {"PNG", "GIF", "MPO", "TIFF"} else {}
    whole, chance = encoded(colours(), form, exif=exif, **frames), random.Random(form)
    for number in range(120):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(min(len(damaged), 600))] = chance.choice((0, 1, 127, 128, 255))
        content = bytes(damaged if number % 3 else damaged[: chance.randrange(len(damaged))])
        source = tmp_path / f"{number}.img"
        source.write_bytes(content)
        try:
            assert open_image(source if number % 2 else content).mode == "RGB"
        except OmniNegClipError as error:
            assert str(error).count("\n") == 0  # noqa: PT017


@pytest.mark.skipif(not ORIENTATIONS.exists(), reason="shared/data is absent")
def test_all_orientations_come_out_upright() -> None:
    images = [open_image(ORIENTATIONS / f"Portrait_{n}.jpg").resize((30, 30)) for n in (0, 2, 3, 5, 6, 8)]
    levels = [np.asarray(image).astype(float) for image in images]
    assert max(abs(one - levels[0]).mean() for one in levels) < 10


@pytest.mark.skipif(not AWKWARD.exists(), reason="shared/data is absent")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_awkward_files_load_or_say_why() -> None:
    broken = {"broken.png", "broken_data_stream.png", "decompression_bomb.gif", "LICENSE"}
    paths = list(AWKWARD.iterdir())
    assert {path.name for path in paths} > broken
    for path in paths:
        if path.name in broken:
            with pytest.raises(OmniNegClipError, match=path.name):
                open_image(path)
        else:
            assert open_image(path).mode == "RGB"
