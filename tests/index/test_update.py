"""An index follows its folders, embeds nothing twice, and says what it could not read."""

import os
from pathlib import Path

import numpy as np
import pytest
from image_folders import bring_up_to_date, draw, stored
from PIL import ExifTags, Image
from tiny_clip import tiny_encoder
from torch import Tensor

from omninegclip.clip.encoder import ClipEncoder
from omninegclip.clip.transform import ImageTransform
from omninegclip.errors import DamagedError, OmniNegClipError
from omninegclip.files import write_sealed
from omninegclip.index import update
from omninegclip.index.store import open_store
from omninegclip.index.update import Changes


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(6):
        draw(tmp_path / "photos" / ("deep" if number % 2 else ".") / f"{number}.png", number)
    return tmp_path / "photos"


def embedded(encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will say how many images each call of the model got."""
    sizes: list[int] = []
    real = ClipEncoder.encode_images

    def encode_images(self: ClipEncoder, pixels: Tensor) -> Tensor:
        sizes.append(len(pixels))
        return real(self, pixels)

    monkeypatch.setattr(ClipEncoder, "encode_images", encode_images)
    return sizes


def test_vectors_are_those_of_the_encoder(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    assert bring_up_to_date(tmp_path / "db", [photos], encoder) == Changes(new=6, total=6)
    rows = stored(tmp_path / "db")
    files = sorted(str(each) for each in photos.rglob("*.png"))
    assert sorted(rows) == files
    vectors = np.array([rows[file]["vector"] for file in files])
    np.testing.assert_allclose(vectors, encoder.embed_image([Path(file) for file in files]), atol=1e-6)


def test_nothing_is_embedded_twice(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    before = stored(tmp_path / "db")
    sizes = embedded(encoder, monkeypatch)
    assert bring_up_to_date(tmp_path / "db", [photos], encoder) == Changes(unchanged=6, total=6)
    (photos / "0.png").rename(photos / "moved.png")
    (photos / "2.png").touch()
    (photos / "copy.png").write_bytes((photos / "4.png").read_bytes())
    changes = bring_up_to_date(tmp_path / "db", [photos], encoder)
    assert changes == Changes(new=1, moved=1, unchanged=5, total=7)
    assert sizes == []
    after = stored(tmp_path / "db")
    assert after[str(photos / "moved.png")]["vector"] == before[str(photos / "0.png")]["vector"]
    assert after[str(photos / "copy.png")]["vector"] == before[str(photos / "4.png")]["vector"]


def test_a_name_that_is_taken_over(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    """The vector of what was moved away is not that of what lies there now."""
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    (photos / "0.png").rename(photos / "z.png")
    draw(photos / "0.png", 99)
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    rows = stored(tmp_path / "db")
    for name in ("0.png", "z.png"):
        expected = encoder.embed_image(photos / name)[0]
        np.testing.assert_allclose(rows[str(photos / name)]["vector"], expected, atol=1e-6)


def test_what_changed_and_what_was_deleted(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    other = draw(tmp_path / "other" / "kept.png", 50)
    bring_up_to_date(tmp_path / "db", [photos, other.parent], encoder)
    draw(photos / "0.png", 70)
    (photos / "2.png").unlink()
    (photos / "4.png").write_bytes(b"no image any more")
    changes = bring_up_to_date(tmp_path / "db", [photos], encoder)
    assert changes == Changes(changed=1, deleted=2, unchanged=3, unreadable=1, total=5)
    rows = stored(tmp_path / "db")
    assert str(other) in rows
    assert not {str(photos / "2.png"), str(photos / "4.png")} & set(rows)
    expected = encoder.embed_image(photos / "0.png")[0]
    np.testing.assert_allclose(rows[str(photos / "0.png")]["vector"], expected, atol=1e-6)


def test_a_folder_that_is_not_there_deletes_nothing(
    photos: Path, tmp_path: Path, encoder: ClipEncoder
) -> None:
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    photos.rename(tmp_path / "unplugged")
    with pytest.raises(OmniNegClipError, match="photos does not exist"):
        bring_up_to_date(tmp_path / "db", [photos], encoder)
    assert len(stored(tmp_path / "db")) == 6


@pytest.mark.parametrize("name", [b"caf\xe9.png", "猫 🐈.png".encode(), b"'; drop.png", b"new\nline.png"])
def test_names(name: bytes, tmp_path: Path, encoder: ClipEncoder) -> None:
    path = Path(os.fsdecode(name))
    draw(tmp_path / "plain.png", 1).rename(tmp_path / path)
    assert bring_up_to_date(tmp_path / "db", [tmp_path], encoder).new == 1
    assert list(stored(tmp_path / "db")) == [str(tmp_path / path)]
    assert bring_up_to_date(tmp_path / "db", [tmp_path], encoder) == Changes(unchanged=1, total=1)


def test_links(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "loop").symlink_to(photos)
    (photos / "nothing.png").symlink_to(tmp_path / "nowhere")
    (photos / "file.png").symlink_to(photos / "0.png")
    (tmp_path / "other name").symlink_to(photos)
    changes = bring_up_to_date(tmp_path / "db", [photos, tmp_path / "other name"], encoder)
    assert changes == Changes(new=7, unreadable=1, total=7)
    assert "Links to folders are not followed (2 here)" in capsys.readouterr().err


def test_a_line_for_each_file_that_cant_be_read(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "text.jpg").write_text("no image")
    (photos / "half.png").write_bytes((photos / "0.png").read_bytes()[:200])
    (photos / "empty.webp").touch()
    os.mkfifo(photos / "pipe.jpg")
    Image.new("1", (20_000, 20_000)).save(photos / "bomb.png")
    (photos / "notes.txt").write_text("not looked at")
    assert bring_up_to_date(tmp_path / "db", [photos], encoder) == Changes(new=6, unreadable=5, total=6)
    lines = capsys.readouterr().err
    for name in ("text.jpg", "half.png", "empty.webp", "pipe.jpg", "bomb.png"):
        assert sum(line.startswith(f"{photos / name}: ") for line in lines.splitlines()) == 1
    assert "more than 89,478,485 pixels" in lines


def test_files_that_vanish_or_change_meanwhile(
    photos: Path, tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    for number in (0, 2):
        draw(photos / f"{number}.png", 80 + number)
    draw(photos / "new.png", 90)
    real = update.find_images

    def found(folders: list[Path]) -> update.Found:
        listed = real(folders)
        (photos / "0.png").unlink()
        (photos / "new.png").unlink()
        draw(photos / "2.png", 99)
        return listed

    monkeypatch.setattr(update, "find_images", found)
    changes = bring_up_to_date(tmp_path / "db", [photos], encoder)
    assert changes == Changes(changed=1, deleted=1, unchanged=4, unreadable=2, total=5)
    rows = stored(tmp_path / "db")
    assert sorted(rows) == sorted(str(each) for each in photos.rglob("*.png"))
    expected = encoder.embed_image(photos / "2.png")[0]
    np.testing.assert_allclose(rows[str(photos / "2.png")]["vector"], expected, atol=1e-6)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cant_be_read_keeps_its_rows(
    photos: Path, tmp_path: Path, encoder: ClipEncoder
) -> None:
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    (photos / "deep").chmod(0)
    try:
        changes = bring_up_to_date(tmp_path / "db", [photos], encoder)
    finally:
        (photos / "deep").chmod(0o755)
    assert changes == Changes(unchanged=3, unreadable=1, total=6)


def test_facts(tmp_path: Path, encoder: ClipEncoder) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Leica", "M3"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 18:30:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "S", 2: (10.0, 30.0, 0.0), 3: "E", 4: (20.0, 0.0, 36.0)})
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(pixels).rotate(-90, expand=True).save(tmp_path / "upright.png")
    bring_up_to_date(tmp_path / "db", [tmp_path], encoder)
    rows = stored(tmp_path / "db")
    turned, upright = rows[str(tmp_path / "turned.png")], rows[str(tmp_path / "upright.png")]
    np.testing.assert_allclose(turned["vector"], upright["vector"], atol=1e-6)
    assert (turned["width"], turned["height"], turned["camera"]) == (30, 40, "Leica M3")
    assert turned["taken"] == "2024-05-01T18:30:00"
    assert (turned["latitude"], turned["longitude"]) == pytest.approx((-10.5, 20.01))
    assert upright["taken"] is upright["camera"] is upright["latitude"] is None


@pytest.mark.parametrize("seconds", [1e10, -1e10])
def test_a_file_of_another_age_is_indexed_once(seconds: float, tmp_path: Path, encoder: ClipEncoder) -> None:
    path = draw(tmp_path / "photos" / "old.png", 1)
    os.utime(path, (seconds, seconds))  # in 64 bits of nanoseconds there is no such time
    if abs(path.stat().st_mtime_ns) < 2**63:
        pytest.skip("this file system knows no such time")
    assert bring_up_to_date(tmp_path / "db", [path.parent], encoder) == Changes(new=1, total=1)
    assert bring_up_to_date(tmp_path / "db", [path.parent], encoder) == Changes(unchanged=1, total=1)


def test_another_model_is_refused(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    bring_up_to_date(tmp_path / "db", [photos], encoder)
    with pytest.raises(OmniNegClipError, match="another model than this one"):
        bring_up_to_date(tmp_path / "db", [photos], tiny_encoder(seed=1))
    turned = ClipEncoder(encoder.model, encoder.tokenizer, ImageTransform(32, crop=False))
    with pytest.raises(OmniNegClipError, match="another image transform"):
        bring_up_to_date(tmp_path / "db", [photos], turned)
    assert len(stored(tmp_path / "db")) == 6


def test_a_folder_of_something_else_is_refused(photos: Path, encoder: ClipEncoder) -> None:
    with pytest.raises(OmniNegClipError, match="holds no index of images, but something else"):
        bring_up_to_date(photos, [photos], encoder)


@pytest.mark.parametrize(
    "change",
    [
        {"dim": "16"},
        {"dim": -1},
        {"dim": 10**9},
        {"model": ["a"]},
        {"transform": 3},
        {"more": 1},
        {"activation": 1},
    ],
)
def test_a_header_of_another_shape_is_one_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    header = {"model": "m", "dim": 16, "fingerprint": "", "image_fingerprint": "", "transform": {}}
    write_sealed(tmp_path / "index.json", header | change)
    with pytest.raises(DamagedError, match="header of another version"):
        open_store(str(tmp_path))


def test_the_background_is_drawn_from_all_rows(
    tmp_path: Path, encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omninegclip.index.store.BACKGROUND", 10)
    for number in range(40):
        draw(tmp_path / "photos" / f"{number}.png", number)
    bring_up_to_date(tmp_path / "db", [tmp_path / "photos"], encoder)
    drawn = open_store(str(tmp_path / "db")).background()
    again = open_store(str(tmp_path / "db")).background()
    np.testing.assert_array_equal(drawn, again)
    lots = sorted(row["lot"] for row in stored(tmp_path / "db").values())
    assert len(drawn) == sum(lot < 0.25 for lot in lots)
    assert 0 < len(drawn) < 40


def test_a_folder_behind_a_url(photos: Path, tmp_path: Path, encoder: ClipEncoder) -> None:
    url = f"file://{photos}"
    (photos / "text.jpg").write_text("no image")
    assert bring_up_to_date(tmp_path / "db", [url], encoder) == Changes(new=6, unreadable=1, total=6)
    rows = stored(tmp_path / "db")
    assert sorted(rows) == sorted(f"file://{each}" for each in photos.rglob("*.png"))
    expected = encoder.embed_image(photos / "0.png")[0]
    np.testing.assert_allclose(rows[f"{url}/0.png"]["vector"], expected, atol=1e-6)
    (photos / "0.png").unlink()
    changes = bring_up_to_date(tmp_path / "db", [url], encoder)
    assert changes == Changes(deleted=1, unchanged=5, unreadable=1, total=5)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nothing://photos", "Can't reach nothing://photos: "),
        ("file:///no/such", "file:///no/such holds no files"),
    ],
)
def test_a_url_that_is_none_is_one_sentence(
    url: str, says: str, tmp_path: Path, encoder: ClipEncoder
) -> None:
    with pytest.raises(OmniNegClipError, match=says):
        bring_up_to_date(tmp_path / "db", [url], encoder)
