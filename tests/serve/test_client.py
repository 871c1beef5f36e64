"""The client against a server that listens."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import omninegclip as onc
from omninegclip.index.search import Index
from omninegclip.serve.client import ServerError
from omninegclip.serve.wire import DeniedText


def test_every_method_gives_what_the_package_gives(url: str, index: Index, folder: Path) -> None:
    files = [folder / "images" / "001.png", folder / "images" / "002.png"]
    with onc.Client(url) as client:
        found = client.search("a tree", without=["a dog"], limit=5)
        assert [each.path for each in found.results] == [
            Path(hit.path).name for hit in index.search("a tree", without=["a dog"], top=5)
        ]
        weighed = client.search("a tree", without=["a dog:0.5", DeniedText(text="a cat")], limit=5)
        assert [each.path for each in weighed.results] == [
            Path(hit.path).name for hit in index.search("a tree", without=["a dog:0.5", "a cat"], top=5)
        ]
        assert len({each.id for each in client.pages("a tree", limit=20)}) == 71
        like = client.search(image=files[0], told=["a dog"], limit=1).results[0]
        assert (like.path, like.presence["a dog"].truth) == ("001.png", False)
        assert client.image(like.id).startswith(b"\xff\xd8\xff")
        assert client.read(["a dog without a cat"])[0].negated == ["a cat"]
        np.testing.assert_allclose(
            client.embed_text(["a", "b"]), index.encoder.embed_text(["a", "b"]), atol=1e-5
        )
        np.testing.assert_allclose(client.embed_image(files), index.encoder.embed_image(files), atol=1e-5)
        cosines = [each.cosine for each in client.score(files, [("a dog", 0), ("a dog", 1)])]
        np.testing.assert_allclose(cosines, index.encoder.similarity(["a dog"], files)[0], atol=1e-5)
        assert client.index().images == 71
        assert client.model().dim == 16


def test_what_is_wrong_is_an_error_of_ours(url: str, tmp_path: Path) -> None:
    with onc.Client(url) as client:
        with pytest.raises(ServerError, match="needs a query") as refused:
            client.search()
        assert refused.value.status == 422
        assert refused.value.request_id
        for one_text in (
            lambda: client.search("a", without="dog"),
            lambda: client.read("a dog"),
            lambda: client.embed_text("a dog"),
        ):
            with pytest.raises(onc.OmniNegClipError, match="must be a list: write"):
                one_text()
        with pytest.raises(ServerError, match="write TEXT or TEXT:WEIGHT"):
            client.search("a", without=["dog:-1"])
        with pytest.raises(onc.OmniNegClipError, match="limit"):
            client.search("a", limit=0)
        with pytest.raises(onc.OmniNegClipError, match="Can't read"):
            client.embed_image([tmp_path / "none.jpg"])
        with pytest.raises(ServerError, match="not an image"):
            client.embed_image([b"none"])
        with pytest.raises(onc.OmniNegClipError, match="images must be a list"):
            client.embed_image(b"none")  # type: ignore[arg-type]
        with pytest.raises(onc.OmniNegClipError, match="without must be a list"):
            client.search("a", without=None)  # type: ignore[arg-type]
        with pytest.raises(onc.OmniNegClipError, match="is not the id of an image"):
            client.image("../healthz?x=")
        with pytest.raises(ServerError, match="no image") as gone:
            client.image("0" * 32)
        assert gone.value.status == 404
    with pytest.raises(onc.OmniNegClipError, match="This client was closed"):
        client.index()
    with pytest.raises(ServerError, match="does not answer"):
        onc.Client("http://127.0.0.1:9").index()


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("127.0.0.1:8000", {}, "url is '127.0.0.1:8000': write it as 'http://127.0.0.1:8000'"),
        ("http://127.0.0.1:one", {}, "url is 'http://127.0.0.1:one'"),
        (None, {}, "url is None"),
        ("http://a", {"key": "\u00fc"}, "key must be a text of printable ASCII"),
        ("http://a", {"key": "a\nb"}, "key must be a text of printable ASCII"),
        ("http://a", {"key": 5}, "key must be a text of printable ASCII"),
        ("http://a", {"timeout": -1}, "timeout is -1: it must be seconds, above 0"),
        ("http://a", {"timeout": float("nan")}, "timeout is nan"),
        ("http://a", {"timeout": "5"}, "timeout is '5'"),
        ("http://a", {"timeout": float("inf")}, "timeout is inf"),
        ("http://a", {"timeout": True}, "timeout is True"),
    ],
)
def test_a_client_that_could_never_speak_is_refused(url: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(onc.OmniNegClipError, match=re.escape(says)):
        onc.Client(url, **options)


def test_another_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    client = onc.Client("HTTP://a")
    monkeypatch.setattr(client, "_sent", lambda *_: b"<html>")
    for ask in (client.index, client.model, lambda: client.search("a dog")):
        with pytest.raises(ServerError, match="is no server of omninegclip serve"):
            ask()
