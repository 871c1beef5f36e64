"""A small index of random images, its records, and a server of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from image_folders import bring_up_to_date, draw
from listening import listening
from PIL import Image
from tiny_clip import tiny_encoder

from omninegclip.data.record import write_records
from omninegclip.index.search import Index
from omninegclip.index.store import open_store
from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.evaluation import files_of
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.service import Service
from omninegclip.serve.truth import Truth

COUNT = 70


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index `db` of images, every second of which shows a dog, and every third a cat."""
    folder = tmp_path_factory.mktemp("served")
    rows = []
    for number in range(COUNT):
        draw(folder / "images" / f"{number:03d}.png", number)
        objects = [*(["dog"] * (number % 2 == 0)), *(["cat"] * (number % 3 == 0)), "tree"]
        row = {"image": f"images/{number:03d}.png", "image_id": str(number), "caption": "a tree"}
        rows.append(row | {"presence_negated": None, "absence_negated": None, "objects_present": objects})
    private = Image.new("RGB", (64, 48), "red")
    exif = Image.Exif()
    exif[0x010E] = "PRIVATE-EXIF"
    private.save(folder / "images" / "private.jpg", exif=exif, comment=b"PRIVATE-COMMENT")
    write_records(folder / "records.parquet", rows)
    bring_up_to_date(folder / "db", [folder / "images"], tiny_encoder())
    return folder


@pytest.fixture(scope="session")
def index(folder: Path) -> Index:
    return Index(open_store(str(folder / "db")), tiny_encoder())


@pytest.fixture(scope="session")
def service(folder: Path, index: Index) -> Service:
    return Service(index, Truth(folder / "records.parquet"))


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(make_app(service, Setup("test", quiet=True)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def url(service: Service) -> Iterator[str]:
    """A server that listens, with short limits of time."""
    limits = ServeLimits(body=2**20, body_seconds=1, head_seconds=1)
    with listening(service, Setup("test", limits=limits, quiet=True)) as url:
        yield url


@pytest.fixture(scope="module")
def page_url(service: Service, folder: Path) -> Iterator[str]:
    """A server that listens, with a report."""
    report = folder / "report"
    report.mkdir(exist_ok=True)
    (report / "report.html").write_text("<style>h1 {color: red}</style><h1>A report</h1><script>1</script>")
    (report / "cells.csv").write_text('name,figure\n"a, b",1\n')
    examples = ("a tree without a dog", "a tree -cat")
    with listening(service, Setup("test", examples=examples, evaluation=files_of(report), quiet=True)) as url:
        yield url
