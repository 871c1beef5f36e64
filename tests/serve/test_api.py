"""What the API answers is what the package gives, and what is wrong is said in one shape."""

import gzip
import shutil
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from image_folders import bring_up_to_date
from PIL import Image
from tiny_clip import tiny_encoder

from omninegclip.index.search import Index
from omninegclip.index.store import open_store
from omninegclip.scenes.records import write_scenes
from omninegclip.serve.app import Setup, make_app
from omninegclip.serve.evaluation import files_of
from omninegclip.serve.guard import Access
from omninegclip.serve.limits import ServeLimits
from omninegclip.serve.service import Service
from omninegclip.serve.truth import Truth

QUERIES = ("a tree without a dog", "-dog", "a tree", "a tree -dog -cat", "no dog and no cat", "only a tree")


def test_a_search_is_that_of_the_package(client: TestClient, index: Index) -> None:
    for score in ("gate", "subtract", "filter"):
        for query in QUERIES:
            got = client.post("/v1/search", json={"query": query, "score": score, "limit": 30}).json()
            found = index.search(query, top=30, score=score)
            assert got["understood"] == found.understood
            assert [each["score"] for each in got["results"]] == pytest.approx(
                [hit.score for hit in found], abs=1e-5
            )
            if score != "filter" or "tree" in query:  # else all that is left scores the same
                assert [each["path"] for each in got["results"]] == [Path(hit.path).name for hit in found]
            shares = {Path(hit.path).name: hit.negated for hit in found}
            for each in got["results"]:
                for text, share in shares.get(each["path"], {}).items():
                    assert each["presence"][text]["probability"] == pytest.approx(share, abs=1e-4)


def test_all_else_is_told_of_where_a_question_or_a_request_speaks_of_it(
    client: TestClient, index: Index
) -> None:
    said = client.post("/v1/search", json={"query": "only a tree"}).json()
    asked = client.post("/v1/search", json={"wanted": ["a tree"], "others": -1}).json()
    assert said["understood"] == asked["understood"] == "a tree, NOT something else"
    assert [each["score"] for each in said["results"]] == [each["score"] for each in asked["results"]]
    more = client.post("/v1/search", json={"query": "only a tree", "others": 1}).json()
    assert more["understood"] == "a tree and something else"
    plain = client.post("/v1/search", json={"query": "only a tree", "others": 0}).json()
    assert [each["id"] for each in plain["results"]] == [
        each["id"] for each in client.post("/v1/search", json={"query": "a tree"}).json()["results"]
    ]
    for got in (said, more):
        assert all("something else" in each["presence"] for each in got["results"])
    assert client.post("/v1/search", json={"query": "a tree", "others": 2}).status_code == 422
    named = client.post("/v1/search", json={"query": "only a tree", "wanted": ["a dog"]}).json()
    assert named["understood"] == "a tree and a dog, NOT something else"


def test_a_condition_an_image_and_what_is_unwanted_work_together(
    client: TestClient, index: Index, folder: Path
) -> None:
    file = folder / "images" / "007.png"
    body = {
        "image": b64encode(file.read_bytes()).decode(),
        "without": ["a cat", {"text": "a dog", "weight": 0.5}],
        "where": "path like '%00%'",
    }
    got = client.post("/v1/search", json=body).json()
    found = index.search(without=["a cat", "a dog:0.5"], image=file, where="path like '%00%'")
    assert [each["path"] for each in got["results"]] == [Path(each.path).name for each in found]
    assert got["unwanted"] == [{"text": "a cat", "weight": 1.0}, {"text": "a dog", "weight": 0.5}]


def test_strength_nought_ranks_as_if_nothing_were_unwanted(client: TestClient) -> None:
    plain = client.post("/v1/search", json={"query": "a tree"}).json()
    weak = client.post("/v1/search", json={"query": "a tree without a dog", "strength": 0}).json()
    assert [each["id"] for each in plain["results"]] == [each["id"] for each in weak["results"]]
    assert "a dog" in weak["results"][0]["presence"]


def test_truth_is_told_where_records_know_it(client: TestClient) -> None:
    body = {"query": "a tree without dogs", "told": ["the cat", "a red cat"], "limit": 100}
    for each in client.post("/v1/search", json=body).json()["results"]:
        if each["path"] == "private.jpg":
            assert {told["truth"] for told in each["presence"].values()} == {None}
            continue
        number, presence = int(each["path"][:3]), each["presence"]
        assert presence["dogs"]["truth"] is (number % 2 == 0)
        assert presence["the cat"]["truth"] is (number % 3 == 0)
        assert presence["a tree"]["truth"] is True
        assert presence["a red cat"]["truth"] is None


def test_truth_of_drawn_scenes_is_the_indexs_own(tmp_path: Path) -> None:
    write_scenes(tmp_path / "scenes", 12, 3)
    bring_up_to_date(tmp_path / "db", [tmp_path / "scenes"], tiny_encoder())
    service = Service(Index(open_store(str(tmp_path / "db")), tiny_encoder()), Truth())
    body = {"query": "a dog without a kite", "told": ["a beach", "a red kite"], "limit": 100}
    with TestClient(make_app(service, Setup("test", quiet=True))) as client:
        assert client.get("/v1/index").json()["truth"] is True
        results = client.post("/v1/search", json=body).json()["results"]
        none = client.post("/v1/search", json=body | {"where": "shows is null"}).json()["results"]
    assert (len(results), none) == (12, [])
    for each in results:
        shown = each["facts"]["shows"].split(", ")
        told = {text: presence["truth"] for text, presence in each["presence"].items()}
        red = None if "kite" in shown else False  # its colour is not known
        assert told == {
            "a dog": "dog" in shown,
            "a kite": "kite" in shown,
            "a beach": "beach" in shown,
            "a red kite": red,
        }


@pytest.mark.parametrize("limit", [1, 7, 30, 200])
def test_pages_join_to_the_whole(client: TestClient, limit: int) -> None:
    body = {"query": "a tree without a dog", "limit": limit}
    pages, cursor = [], None
    while True:
        answer = client.post("/v1/search", json=body | ({"cursor": cursor} if cursor else {})).json()
        pages += [each["id"] for each in answer["results"]]
        if not (cursor := answer["next"]):
            break
    whole = client.post("/v1/search", json=body | {"limit": 200}).json()
    assert pages == [each["id"] for each in whole["results"]]
    assert len(set(pages)) == 71


def test_cursors_of_others_are_refused(client: TestClient) -> None:
    cursor = client.post("/v1/search", json={"query": "a tree", "limit": 5}).json()["next"]
    for wrong in (cursor[:-4], "WzEsMl0=", "[" * 200, "é", "WzFlOTk5LCAiIl0="):
        assert client.post("/v1/search", json={"query": "a tree", "cursor": wrong}).status_code == 422
    assert (
        "another search" in client.post("/v1/search", json={"query": "a", "cursor": cursor}).json()["detail"]
    )


def test_sentences_texts_images_and_pairs(client: TestClient, index: Index, folder: Path) -> None:
    reading = client.post("/v1/read", json={"sentences": ["a dog without a cat"]}).json()["readings"]
    assert reading == [{"sentence": "a dog without a cat", "affirmed": "a dog", "negated": ["a cat"]}]
    texts = ["a dog", "a cat", "a dog"]
    got = client.post("/v1/embed/text", json={"texts": texts}).json()
    np.testing.assert_allclose(got["embeddings"], index.encoder.embed_text(texts), atol=1e-5)
    files = [folder / "images" / f"{number:03d}.png" for number in range(3)]
    images = [b64encode(file.read_bytes()).decode() for file in files]
    got = client.post("/v1/embed/image", json={"images": images}).json()
    np.testing.assert_allclose(got["embeddings"], index.encoder.embed_image(files), atol=1e-5)
    pairs = [{"text": "a dog without a cat", "image": number} for number in range(3)]
    scores = client.post("/v1/score", json={"images": images, "pairs": pairs}).json()["scores"]
    cosines = index.encoder.similarity(["a dog without a cat"], files)[0]
    np.testing.assert_allclose([each["cosine"] for each in scores], cosines, atol=1e-5)
    assert set(scores[0]["presence"]) == {"a dog", "a cat"}
    found = {each.path: each.score for each in index.search("a dog without a cat", top=71)}
    np.testing.assert_allclose([each["score"] for each in scores], [found[str(f)] for f in files], atol=1e-4)


def test_previews_are_small_and_hold_pixels_alone(client: TestClient, folder: Path) -> None:
    found = client.post("/v1/search", json={"query": "a tree", "limit": 200}).json()["results"]
    private = next(each["id"] for each in found if each["path"] == "private.jpg")
    answer = client.get(f"/v1/images/{private}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (64, 48)
    assert b"PRIVATE" in (folder / "images" / "private.jpg").read_bytes()
    assert b"PRIVATE" not in answer.content
    again = client.get(f"/v1/images/{private}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_put_in_an_images_place_is_not_shown(client: TestClient, folder: Path, tmp_path: Path) -> None:
    found = client.post("/v1/search", json={"query": "a tree", "limit": 200}).json()["results"]
    victim = next(each for each in found if each["path"] == "050.png")
    secret = tmp_path / "secret.png"
    Image.new("RGB", (8, 8)).save(secret)
    file = folder / "images" / "050.png"
    kept = file.read_bytes()
    file.unlink()
    file.symlink_to(secret)
    try:
        assert client.get(f"/v1/images/{victim['id']}").status_code == 404
    finally:
        file.unlink()
        file.write_bytes(kept)


@pytest.mark.parametrize(
    ("method", "path", "json", "status", "said"),
    [
        ("POST", "/v1/search", {}, 422, "needs a query"),
        ("POST", "/v1/search", {"query": "a", "limit": 0}, 422, "limit"),
        ("POST", "/v1/search", {"query": "a", "limt": 3}, 422, "limt"),
        ("POST", "/v1/search", {"query": "a" * 1001}, 422, "query"),
        ("POST", "/v1/search", {"query": "a", "strength": -1}, 422, "strength"),
        ("POST", "/v1/search", {"query": "a", "where": "x = 1"}, 422, "--where"),
        (
            "POST",
            "/v1/search",
            {"query": "a", "score": "cosine", "without": ["b"]},
            422,
            "takes nothing away",
        ),
        ("POST", "/v1/search", {"image": "not base64!"}, 422, "Base64"),
        ("POST", "/v1/search", {"image": "AAAA"}, 422, "not an image"),
        ("POST", "/v1/search", [1], 422, "body"),
        ("POST", "/v1/embed/text", {"texts": []}, 422, "texts"),
        ("POST", "/v1/embed/text", {"texts": [3]}, 422, "texts"),
        ("POST", "/v1/embed/text", {"texts": ["a"] * 65}, 422, "texts"),
        ("GET", "/v1/images/..%2f..%2fetc%2fpasswd", None, 404, ""),
        ("GET", "/v1/images/../../etc/passwd", None, 404, ""),
        ("GET", f"/v1/images/{'0' * 32}", None, 404, "no image"),
        ("GET", "/page/..%2fapp.py", None, 404, ""),
        ("GET", "/page/app.py", None, 404, ""),
        ("GET", "/v1/evaluation/..%2f..%2fetc%2fpasswd", None, 404, ""),
        ("GET", "/nothing", None, 404, ""),
        ("GET", "/v1/search", None, 405, ""),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(
    client: TestClient, method: str, path: str, json: object, status: int, said: str
) -> None:
    answer = client.request(method, path, json=json)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert said.lower() in problem["detail"].lower()
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}


def test_bodies_that_are_no_json_are_refused(client: TestClient) -> None:
    for body in (b"{", b"\xff", b"[" * 100_000, b'{"query": "\\ud800"}', b'{"limit": ' + b"9" * 9999 + b"}"):
        answer = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), body[:20]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},  # what a page of others could send without being asked
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": ""},
        {},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_bodies_that_are_not_said_to_be_json_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    raw = b'{"query": "a"}'
    body = gzip.compress(raw) if "content-encoding" in headers else raw
    answer = client.post("/v1/search", content=body, headers=headers)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b"[" * 50 + b"]" * 50 + b","])
def test_bodies_that_would_take_long_to_read_are_refused(client: TestClient, part: bytes) -> None:
    body = b'{"query": "a", "wanted": [' + part * (8 * 2**20 // len(part)) + b"1]}"
    answer = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "brackets and commas" in answer.json()["detail"]


def test_the_largest_of_what_is_taken_is_answered(client: TestClient) -> None:
    texts = [f"{number:03d}" + "a dog, a cat, " * 71 for number in range(64)]
    body = {"query": "a" * 1000, "wanted": texts, "without": texts, "told": texts, "limit": 200}
    assert client.post("/v1/search", json=body).status_code == 200


VALID: dict[str, dict[str, object]] = {
    "/v1/search": {"query": "a tree", "without": [{"text": "a dog", "weight": 2}]},
    "/v1/read": {"sentences": ["a tree"]},
    "/v1/embed/text": {"texts": ["a tree"]},
    "/v1/embed/image": {"images": ["AAAA"]},
    "/v1/score": {"images": ["AAAA"], "pairs": [{"text": "a tree", "image": 0}]},
}
OF_EACH_TYPE: dict[str, object] = {
    "boolean": True,
    "integer": 1,
    "number": 1.5,
    "string": "1",
    "array": ["1"],
    "object": {"1": 1},
    "null": None,
}


def types_of(schema: dict[str, Any], known: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema takes."""
    if "$ref" in schema:
        return types_of(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return set().union(*(types_of(each, known) for each in schema["anyOf"]))
    return {schema["type"]} | ({"integer"} if schema["type"] == "number" else set())


@pytest.mark.parametrize("path", VALID)
def test_a_value_of_another_json_type_is_refused_wherever_it_stands(client: TestClient, path: str) -> None:
    description = client.get("/openapi.json").json()
    known, posts = description["components"]["schemas"], description["paths"]
    assert set(VALID) == {path for path, methods in posts.items() if "post" in methods}
    request = posts[path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    fields = known[request.rpartition("/")[2]]["properties"]
    tried = []
    for name, schema in fields.items():
        tried += [(name, VALID[path] | {name: value}, kind, schema) for kind, value in OF_EACH_TYPE.items()]
        for part in schema.get("items", {}).get("anyOf") or [schema.get("items", {})]:
            if "$ref" in part:
                inner = known[part["$ref"].rpartition("/")[2]]["properties"]
                valid = {"text": "a tree", "image": 0} if name == "pairs" else {"text": "a tree"}
                tried += [
                    (f"{name}.0", VALID[path] | {name: [valid | {key: value}]}, kind, inner[key])
                    for key in inner
                    for kind, value in OF_EACH_TYPE.items()
                ]
        if schema.get("type") == "array":
            tried += [
                (f"{name}.0", VALID[path] | {name: [value]}, kind, schema["items"])
                for kind, value in OF_EACH_TYPE.items()
            ]
    wrong = [(where, body) for where, body, kind, schema in tried if kind not in types_of(schema, known)]
    assert len(wrong) >= 12
    for where, body in wrong:
        answer = client.post(path, json=body)
        assert answer.status_code == 422, (where, body)
        assert answer.json()["detail"].startswith(where)


def test_an_engine_that_fails_is_told_without_its_folder(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise OSError("No such file")

    monkeypatch.setattr(service.index.store.engine._table, "count_rows", fail)  # type: ignore[attr-defined]
    answer = client.post("/v1/search", json={"query": "a tree", "where": "width > 1"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "The index can't be read" in answer.json()["detail"]
    assert str(service.index.store.where) not in answer.text


def test_a_report_that_is_gone_or_a_link_now_is_not_shown(service: Service, tmp_path: Path) -> None:
    secret, names = tmp_path / "secret.json", ("gone.json", "link.json", "kept.json")
    secret.write_text('"a secret"')
    report = tmp_path / "report"
    report.mkdir()
    for name in names:
        (report / name).write_text("{}")
    (report / "link-before.json").symlink_to(secret)
    setup = Setup("test", evaluation=files_of(report), quiet=True)
    assert sorted(setup.evaluation) == sorted(names)
    (report / "gone.json").unlink()
    (report / "link.json").unlink()
    (report / "link.json").symlink_to(secret)
    with TestClient(make_app(service, setup)) as client:
        found = {name: client.get(f"/v1/evaluation/{name}") for name in (*names, "link-before.json")}
    assert [each.status_code for each in found.values()] == [404, 404, 200, 404]
    assert all("secret" not in each.text for each in found.values())


def test_an_index_that_is_deleted_while_it_is_served_is_told(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "db", tmp_path / "db")
    service = Service(Index(open_store(str(tmp_path / "db")), tiny_encoder()), Truth())
    with TestClient(make_app(service, Setup("test", quiet=True))) as client:
        found = client.post("/v1/search", json={"query": "a tree"}).json()["results"]
        shutil.rmtree(tmp_path / "db")
        again = client.post("/v1/search", json={"query": "a tree"})
        assert (again.status_code, again.json()["results"]) == (200, found)  # it is held in memory
        by_engine = client.post("/v1/search", json={"query": "a tree", "where": "width > 1"})
        preview = client.get(f"/v1/images/{found[0]['id']}")
        for answer in (by_engine, preview):
            assert answer.status_code in (200, 404, 422)
            assert str(tmp_path) not in answer.text
        for path in ("/healthz", "/v1/index", "/v1/model"):
            assert client.get(path).status_code == 200


def test_a_bomb_is_refused_before_it_is_decoded(service: Service) -> None:
    buffer = BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    with TestClient(make_app(service, Setup("test", quiet=True))) as client:
        answer = client.post("/v1/search", json={"image": b64encode(buffer.getvalue()).decode()})
    assert answer.status_code == 422
    assert "scale it down" in answer.json()["detail"]


def test_keys_hosts_and_bodies(service: Service) -> None:
    setup = Setup(
        "test", ServeLimits(body=1000), Access(("a-key-of-16-characters",), ("testserver",)), quiet=True
    )
    with TestClient(make_app(service, setup)) as client:
        search = {"query": "a tree"}
        assert client.post("/v1/search", json=search).status_code == 401
        for wrong in ("Bearer", "Bearer x", "Bearer a-key-of-16-character", "é"):
            headers = {"authorization": wrong.encode()}
            assert client.post("/v1/search", json=search, headers=headers).status_code == 401
        right = {"authorization": "Bearer a-key-of-16-characters"}
        assert client.post("/v1/search", json=search, headers=right).status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == client.get("/").status_code == 200
        assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400
        large = client.post("/v1/search", json={"query": "a" * 1000}, headers=right)
        assert (large.status_code, large.headers["connection"]) == (413, "close")


def test_other_origins_get_no_permission(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"query": "a"}, headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert client.options("/v1/search", headers=asked).status_code == 405


def test_metrics_card_health_and_description(client: TestClient) -> None:
    assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}
    client.post("/v1/search", json={"query": "a tree"})
    text = client.get("/metrics").text
    assert 'omninegclip_requests_total{route="/v1/search",status="200"}' in text
    assert "omninegclip_images 71.0" in text
    card = client.get("/v1/model").json()
    assert (card["name"], card["dim"], card["family"]) == ("tiny", 16, "clip")
    served = client.get("/v1/index").json()
    assert (served["images"], served["truth"], served["base"]) == (71, True, None)
    problems = client.get("/openapi.json").json()["paths"]["/v1/search"]["post"]["responses"]
    assert set(problems["422"]["content"]) == {"application/problem+json"}
