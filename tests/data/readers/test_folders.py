import pytest

from omninegclip.data.readers import folders
from omninegclip.errors import OmniNegClipError


@pytest.fixture
def images(tmp_path):
    for name in ("n01/b.JPG", "n01/a.png", "hot_dog/deep/c.webp", "n01/notes.txt", ".cache/d.png"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "set"


def test_folders_are_classes(images):
    found = [(item.image.path, item.label) for item in folders.read(images)]
    assert found == [("hot_dog/deep/c.webp", "hot dog"), ("n01/a.png", "n01"), ("n01/b.JPG", "n01")]


def test_a_class_list_names_and_chooses(images, write):
    found = folders.read(images, write("classes.txt", "n01\ttench\n"))
    assert [item.label for item in found] == ["tench", "tench"]


def test_no_classes_are_an_error(tmp_path, images, write):
    with pytest.raises(OmniNegClipError, match="one folder of images per class is needed"):
        list(folders.read(images / "n01"))
    with pytest.raises(OmniNegClipError, match="one 'folder<TAB>class name' per line"):
        list(folders.read(images, write("classes.txt", "n01 tench\n")))


def test_no_image_is_left_out_for_its_format(tmp_path):
    for name in ("a.avif", "b.HEIC", "c.heif", "d.jfif", "e.mpo", "f.gif"):
        (tmp_path / "cat").mkdir(exist_ok=True)
        (tmp_path / "cat" / name).touch()
    assert len(list(folders.read(tmp_path))) == 6
