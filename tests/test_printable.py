import pytest

from omninegclip.printable import printable, say, sentence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a dog\tand\nno cat \N{SNOWMAN}", "a dog\tand\nno cat \N{SNOWMAN}"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m\x7f\r\0", "\\x9b31m\\x7f\\r\\x00"),
        ("gpj.\u202egod\u2066", "gpj.\\u202egod\\u2066"),
        ("caf\udce9", "caf\\udce9"),
        ("\u05d0\u200f", "\u05d0\u200f"),  # a mark of a language, which turns nothing else
    ],
)
def test_what_a_terminal_would_obey_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert sentence("a\n  b\r\nc\u2028d ") == "a b c d"
    long = sentence("x" * 10_000 + "end")
    assert len(long) < 2100
    assert long.endswith("end")


def test_a_result_is_said_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    say("\x1b[31mred")
    assert capsys.readouterr() == ("\\x1b[31mred\n", "")
