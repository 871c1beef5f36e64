"""The reader that asks a language model, against a stand-in endpoint on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("httpx", reason="the llm extra is not installed")
from tests.helpers.endpoint import Server, Step, object_answer

import omninegclip as onc
from omninegclip import llm
from omninegclip.errors import OmniNegClipError
from omninegclip.llm import Endpoint, LanguageModel
from omninegclip.reading.language_model import READING, LlmReader, wrong_with
from omninegclip.reading.reading import ELSE, Reading
from omninegclip.reading.registry import make_reader
from omninegclip.reading.rules import read_by_rules

SENTENCE = "a yard where one looks in vain for a dog"  # the rules know no "in vain"
MEANT = Reading("a yard", ("a dog",))
Started = Callable[..., tuple[LlmReader, Server]]


def halves(affirmed: object, *negated: object) -> tuple[int, str]:
    return object_answer({"affirmed": affirmed, "negated": list(negated)})


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Started]:
    servers: list[Server] = []

    def run(*script: Step) -> tuple[LlmReader, Server]:
        server = Server(list(script))
        servers.append(server)
        endpoint = Endpoint(server.url, "tiny", 2.0, 1e9, tmp_path)
        return LlmReader(LanguageModel(endpoint, READING, lambda _: None)), server

    yield run
    for server in servers:
        server.http.shutdown()


def test_a_good_answer_is_taken_and_kept_on_disk(start: Started) -> None:
    reader, server = start(halves("a yard", "a dog"))
    assert read_by_rules(SENTENCE) == Reading(SENTENCE)
    assert reader.read([SENTENCE, SENTENCE]) == [MEANT, MEANT]
    assert LlmReader(LanguageModel(reader.model.endpoint, READING)).read([SENTENCE]) == [MEANT]
    assert len(server.bodies) == 1
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert set(schema["required"]) == {"affirmed", "negated"}


def test_from_python(start: Started) -> None:
    reader, server = start(halves("a yard", "a dog"))
    endpoint = onc.Endpoint(server.url, "tiny", cache=reader.model.endpoint.cache)
    assert onc.read(SENTENCE, reader="llm", llm=endpoint) == MEANT


def test_each_sentence_has_its_own_answer_whatever_their_order(start: Started) -> None:
    sentences = [f"a yard with cat {number} but without a dog" for number in range(20)]
    reader, server = start(halves("", "a dog"))
    assert reader.read(sentences) == [Reading("", ("a dog",))] * 20
    asked = {body["messages"][1]["content"] for body in server.bodies}
    assert asked == {f'{{"sentence": "{sentence}"}}' for sentence in sentences}


def test_an_endpoint_that_knows_no_schema_is_asked_without_one(start: Started) -> None:
    reader, server = start((400, "unknown field response_format"), halves("a yard", "a dog"))
    assert reader.read([SENTENCE]) == [MEANT]
    assert ["response_format" in body for body in server.bodies] == [True, False]


def test_what_denies_nothing_comes_back_to_the_last_character(start: Started) -> None:
    sentence = "A yard ,  where a DOG runs "
    reader, _ = start(halves("A yard where a dog runs"))
    assert reader.read([sentence]) == [Reading(sentence)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (halves("a garden", "a dog"), "words that the sentence lacks"),
        (halves("a yard", "without a dog"), "a half that denies"),
        (halves("a yard without a fence", "a dog"), "words that the sentence lacks"),
        (halves("a dog", "a dog"), "what is denied is affirmed too"),
        (halves("a yard\u0007", "a dog"), "control characters"),
        (halves("a yard", 7), "no JSON with two halves"),
        (halves(None, "a dog"), "no JSON with two halves"),
        (object_answer(["a yard"]), "no JSON with two halves"),
        ((200, "<html>"), "no JSON with two halves"),
        ((500, "oh"), "status 500"),
        ((404, "no such model"), "status 404"),
    ],
)
def test_the_rules_stand_in_and_it_is_said_why(start: Started, script: tuple[int, str], reason: str) -> None:
    reader, _ = start(script)
    sentence = "a yard without a dog"
    with llm.console.capture() as said:
        assert reader.read([sentence]) == [MEANT]
    assert f"1 of 1 sentences were read by rules: {reason} (1)." in said.get()


def test_a_silent_endpoint_is_given_up_and_the_rules_read_on(
    start: Started, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(llm, "TRIES", 1)
    monkeypatch.setattr(llm, "GIVE_UP", 2)
    reader, server = start((500, "oh"))
    found = reader.read([f"{number} yards without a dog" for number in range(40)])
    said = " ".join(capsys.readouterr().err.split())
    assert all(each.negated == ("a dog",) for each in found)
    assert len(server.bodies) < 40
    assert "the remaining sentences are read by rules" in said
    assert "40 of 40" in said


def test_all_else_may_be_denied_and_forms_of_words_differ() -> None:
    assert wrong_with("only sand", Reading("sand", (ELSE,))) is None
    assert wrong_with("a bird that never flies", Reading("a bird", ("a bird flying",))) is None
    assert wrong_with("dogs, none of them running", Reading("dogs", ("a dog running",))) is None


@pytest.mark.parametrize("url", ["http://[::1", "ftp://host/v1", "localhost:8000", "http://a:b@host/v1"])
def test_a_malformed_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(OmniNegClipError, match="--llm-url"):
        make_reader("llm", Endpoint(url, "tiny"))


def test_the_reader_needs_an_endpoint() -> None:
    with pytest.raises(OmniNegClipError, match="needs --llm-url"):
        make_reader("llm")
    with pytest.raises(OmniNegClipError, match="can be rules, llm, none"):
        make_reader("oracle")
