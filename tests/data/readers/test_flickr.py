import pytest

from omninegclip.data.readers import flickr
from omninegclip.errors import OmniNegClipError


def test_captions_are_gathered_and_the_split_chooses(write):
    tokens = write(
        "tokens.txt", "b.jpg#0\tA bus .\nb.jpg#1\tA red bus .\na.jpg.1#0\tA cat .\na.jpg#1\tA grey cat .\n"
    )
    assert [(item.id, item.captions) for item in flickr.read(tokens)] == [
        ("b.jpg", ("A bus .", "A red bus .")),
        ("a.jpg", ("A cat .", "A grey cat .")),
    ]
    assert [item.id for item in flickr.read(tokens, write("test.txt", "a.jpg\n\n"))] == ["a.jpg"]


@pytest.mark.parametrize(
    ("tokens", "split", "message"),
    [
        ("a.jpg A cat .", "a.jpg", "Line 1 of .* is not 'image.jpg#0<TAB>caption'"),
        ("a.jpg#0\tA\na.jpg#0\tB", "a.jpg", "has the id 'a.jpg#0' twice"),
        ("a.jpg#0\tA", "z.jpg", "names z.jpg, which has no caption"),
    ],
)
def test_broken_files_are_named(write, tokens, split, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(flickr.read(write("tokens.txt", tokens), write("test.txt", split)))


def test_flickr8k_has_five_captions_each(shared):
    items = list(flickr.read(shared / "flickr8k" / "Flickr8k.token.txt"))
    assert len(items) == 8092
    assert {len(item.captions) for item in items} == {5}
    test = list(flickr.read(shared / "flickr8k" / "Flickr8k.token.txt", shared / "flickr8k" / "test.txt"))
    assert all((shared / "flickr8k" / "images" / item.image.path).is_file() for item in test)
