"""Fetching, against a server on loopback that goes wrong in every way that public ones do."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator

import huggingface_hub.constants
import pytest
from stand_in_hub import RETRY_AFTER, StandInHub, ask_instead, commit_of, etag

from omninegclip.clip.io import hub as client
from omninegclip.errors import OmniNegClipError
from omninegclip.files import read_sealed
from omninegclip.reproduce.download import SourceGoneError, fetch, fetch_backbone, is_there, require_space
from omninegclip.reproduce.sources import Backbone, FileSource
from omninegclip.reproduce.unpack import unpack

CONTENT = bytes(range(256)) * 400
PATH = "/files/questions.csv"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(
        huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 1024
    )  # of files of gigabytes, 10 MB
    stand_in = StandInHub()
    with stand_in.serve():
        ask_instead(stand_in, monkeypatch)
        stand_in.files["questions.csv"] = CONTENT
        yield stand_in


def source(hub, **values):
    facts = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT), "put": "q/questions.csv"}
    return FileSource("questions", "some", hub.url("questions.csv"), "MIT", "here", **(facts | values))


def test_a_file_is_fetched_once_and_its_hash_remembered(hub, tmp_path):
    fetch(source(hub), tmp_path)
    fetch(source(hub), tmp_path)
    assert (tmp_path / "data/q/questions.csv").read_bytes() == CONTENT
    assert hub.asked[PATH] == 1
    seal = read_sealed(tmp_path / "sources/questions.json")
    assert seal["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert seal["pinned"]
    assert not list((tmp_path / "downloads").iterdir())


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_what_breaks_off_or_stalls_goes_on_where_it_was(hub, tmp_path, fault):
    hub.faults[PATH] = [fault, fault]
    fetch(source(hub), tmp_path)
    assert (tmp_path / "data/q/questions.csv").read_bytes() == CONTENT
    assert hub.asked[PATH] == 3
    assert hub.sent[PATH] == len(CONTENT)  # nothing came twice


def test_a_later_call_completes_what_a_killed_one_left(hub, tmp_path):
    partial = tmp_path / "downloads/questions.omninegclip-partial"
    partial.parent.mkdir()
    partial.write_bytes(CONTENT[:1000])
    fetch(source(hub), tmp_path)
    assert (tmp_path / "data/q/questions.csv").read_bytes() == CONTENT
    assert hub.sent[PATH] == len(CONTENT) - 1000


@pytest.mark.parametrize("size", [0, len(CONTENT)])
def test_a_whole_partial_file_is_not_asked_for_again(hub, tmp_path, size):
    partial = tmp_path / "downloads/questions.omninegclip-partial"
    partial.parent.mkdir()
    partial.write_bytes(CONTENT)
    fetch(source(hub, bytes=size), tmp_path)
    assert (tmp_path / "data/q/questions.csv").read_bytes() == CONTENT
    assert hub.sent[PATH] == 0


def test_another_content_is_removed_and_refused(hub, tmp_path):
    hub.faults[PATH] = ["flipped"]
    with pytest.raises(OmniNegClipError, match=r"is not the file that is known.*was removed"):
        fetch(source(hub), tmp_path)
    assert not is_there(source(hub), tmp_path)
    assert not list((tmp_path / "downloads").iterdir())
    fetch(source(hub), tmp_path)
    assert is_there(source(hub), tmp_path)


def test_an_id_of_git_is_a_checksum_too(hub, tmp_path):
    known = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT, usedforsecurity=False).hexdigest()
    fetch(source(hub, sha256="", git=known), tmp_path)
    with pytest.raises(OmniNegClipError, match=r"its id in git"):
        fetch(source(hub, sha256="", git="0" * 40)._replace(name="other"), tmp_path)


def test_without_a_checksum_the_first_one_is_recorded_and_a_change_said(hub, tmp_path, capsys):
    unpinned = source(hub, sha256="", bytes=0)
    fetch(unpinned, tmp_path)
    assert not read_sealed(tmp_path / "sources/questions.json")["pinned"]
    (tmp_path / "data/q/questions.csv").unlink()
    hub.files["questions.csv"] = CONTENT + b"more"
    fetch(unpinned, tmp_path)
    assert "another file than when it was last fetched" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_is_named_with_what_to_do(hub, tmp_path, status):
    hub.faults[PATH] = [status]
    with pytest.raises(
        SourceGoneError, match=rf"questions is not at .*HTTP {status}.*--mirror.*--skip questions"
    ):
        fetch(source(hub), tmp_path)


def test_a_server_that_asks_to_wait_is_asked_again(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults[PATH] = [429, 429]
    fetch(source(hub), tmp_path)
    assert hub.asked[PATH] == 3


def test_a_server_that_says_how_long_to_wait_is_waited_for(hub, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", waits.append)
    hub.faults[PATH] = ["busy"]
    fetch(source(hub), tmp_path)
    assert len(waits) == 1
    assert RETRY_AFTER <= waits[0] <= RETRY_AFTER + 2
    assert hub.asked[PATH] == 2


@pytest.mark.parametrize(
    "facts", [{}, {"sha256": ""}, {"bytes": 0}, {"sha256": "", "bytes": 0, "put": "", "unpack": {"a/": "q/"}}]
)
def test_a_page_of_a_proxy_in_place_of_a_file_is_removed_and_told(hub, tmp_path, facts):
    hub.faults[PATH] = ["page"]
    with pytest.raises(OmniNegClipError, match=r"is a web page and not questions: a proxy.*It was removed"):
        fetch(source(hub, **facts), tmp_path)
    assert not list((tmp_path / "downloads").iterdir())
    if "unpack" not in facts:
        fetch(source(hub, **facts), tmp_path)
        assert (tmp_path / "data/q/questions.csv").read_bytes() == CONTENT


def test_an_archive_that_nobody_knows_is_fetched_again_when_it_can_not_be_read(hub, tmp_path):
    whole = archive("zip", ["a/1.jpg"])
    unpinned = source(hub, sha256="", bytes=0, put="", unpack={"a/": "q/"})
    hub.files["questions.csv"] = whole[: len(whole) // 2]
    with pytest.raises(OmniNegClipError, match=r"The archive questions .* It was removed"):
        fetch(unpinned, tmp_path)
    hub.files["questions.csv"] = whole
    fetch(unpinned, tmp_path)
    assert (tmp_path / "data/q/1.jpg").read_bytes() == b"a/1.jpg"


def test_a_server_that_goes_on_asking_to_wait_is_one_sentence(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults[PATH] = [429] * 50
    with pytest.raises(OmniNegClipError, match=r"asks to wait .HTTP 429.: try again later"):
        fetch(source(hub), tmp_path)


def test_a_server_that_is_down_is_one_sentence(tmp_path, hub, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    down = source(hub)._replace(url="http://127.0.0.1:9/questions.csv")
    with pytest.raises(OmniNegClipError, match=r"can't be fetched from .*: the same command goes on"):
        fetch(down, tmp_path)


def test_too_little_space_is_told_before_the_first_byte(hub, tmp_path):
    with pytest.raises(OmniNegClipError, match=r"GB free and .* are needed to fetch and unpack"):
        fetch(source(hub, bytes=10**18), tmp_path)
    assert hub.asked[PATH] == 0
    require_space(1, tmp_path)


def test_a_disk_that_fills_up_keeps_what_came(hub, tmp_path, monkeypatch):
    def full(url, file, **_):
        file.write(CONTENT[:500])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("omninegclip.reproduce.download.http_get", full)
        with pytest.raises(
            OmniNegClipError, match=r"No space left on device.*kept; the same command goes on"
        ):
            fetch(source(hub), tmp_path)
    fetch(source(hub), tmp_path)
    assert hub.sent[PATH] == len(CONTENT) - 500


def archive(kind, names):
    content = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(content, "w") as opened:
            for name in names:
                opened.writestr(name, name)
    else:
        with tarfile.open(fileobj=content, mode="w") as tape:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = len(name)
                tape.addfile(member, io.BytesIO(name.encode()))
    return content.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_of_an_archive_only_what_is_wanted_is_unpacked(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(archive(kind, ["images/1.jpg", "images/sub/2.jpg", "other/3.jpg", "notes.txt"]))
    (tmp_path / "data/kept").mkdir(parents=True)
    (tmp_path / "data/kept/1.jpg").write_bytes(b"images/1.jpg")  # by a killed call
    before = (tmp_path / "data/kept/1.jpg").stat().st_mtime_ns
    unpack(path, {"images/": "kept/", "notes.txt": "said.txt"}, tmp_path / "data", "photos")
    found = {each.relative_to(tmp_path / "data").as_posix() for each in (tmp_path / "data").rglob("*.*")}
    assert found == {"kept/1.jpg", "kept/sub/2.jpg", "said.txt"}
    assert (tmp_path / "data/kept/1.jpg").stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path, kind):
    (tmp_path / "a").write_bytes(archive(kind, ["images/../../../evil.jpg"]))
    with pytest.raises(OmniNegClipError, match=r"leads out of its folder"):
        unpack(tmp_path / "a", {"images/": "kept/"}, tmp_path / "data", "photos")
    assert not list(tmp_path.rglob("evil.jpg"))


def test_an_archive_that_grows_without_bounds_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("images/1.jpg", b"\0" * 10_000_000)
    with pytest.raises(OmniNegClipError, match=r"it is no data set"):
        unpack(tmp_path / "a", {"images/": "kept/"}, tmp_path / "data", "photos")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4 broken"])
def test_what_is_no_archive_is_one_sentence(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(OmniNegClipError, match=r"archive photos"):
        unpack(tmp_path / "a", {"images/": "kept/"}, tmp_path / "data", "photos")


MODEL = Backbone("owner/model", "ViT-B/32", 4, 1, "MIT", "here")


def test_weights_are_fetched_once_with_their_revision(hub, tmp_path):
    files = {"config.json": b"{}", "pytorch_model.bin": CONTENT}
    hub.repositories["owner/model"] = files
    folder = fetch_backbone(MODEL, tmp_path)
    assert (folder / "pytorch_model.bin").read_bytes() == CONTENT
    asked = sum(hub.asked.values())
    assert fetch_backbone(MODEL, tmp_path) == folder
    assert sum(hub.asked.values()) == asked
    seal = read_sealed(tmp_path / "sources/owner--model.json")
    assert seal["revision"] == commit_of(files)
    assert seal["sha256"]["pytorch_model.bin"] == etag(CONTENT)


def test_damaged_weights_are_removed_and_fetched_again(hub, tmp_path):
    hub.repositories["owner/model"] = {"config.json": b"{}", "pytorch_model.bin": CONTENT}
    path = f"/owner/model/resolve/{commit_of(hub.repositories['owner/model'])}/pytorch_model.bin"
    hub.faults[path] = ["flipped"]
    with pytest.raises(OmniNegClipError, match=r"pytorch_model.bin did not arrive as the hub has it"):
        fetch_backbone(MODEL, tmp_path)
    assert (fetch_backbone(MODEL, tmp_path) / "pytorch_model.bin").read_bytes() == CONTENT


def test_a_model_that_is_not_on_the_hub_is_one_sentence(hub, tmp_path):
    with pytest.raises(OmniNegClipError, match=r"owner/model .*can't be downloaded"):
        fetch_backbone(MODEL, tmp_path)


def test_one_file_of_a_repository_is_found_by_its_pattern(hub, tmp_path):
    hub.repositories["owner/released"] = {"a_B32.pth": b"b32", "a_L14.pth": b"l14"}
    assert client.download_one("owner/released", "*B32*.pth", tmp_path).read_bytes() == b"b32"
    with pytest.raises(OmniNegClipError, match=r"One file like \*.pth"):
        client.download_one("owner/released", "*.pth", tmp_path)
    with pytest.raises(OmniNegClipError, match=r"there is none"):
        client.download_one("owner/released", "*B16*.pth", tmp_path)
