import pytest

from omninegclip.data.readers import negbench
from omninegclip.errors import OmniNegClipError

# Rows of our own in the two published orders of columns.
CHOICES = """image_path,correct_answer,caption_0,caption_1,caption_2,caption_3,correct_answer_template
data/a.jpg,0,"A lamp, but no sofa.","A sofa, but no lamp.",A sofa.,No lamp.,hybrid
"""
SHUFFLED = """correct_answer_template,caption_3,caption_2,caption_1,caption_0,correct_answer,image_path
hybrid,No lamp.,A sofa.,"A sofa, but no lamp.","A lamp, but no sofa.",0.0,data/a.jpg
"""
RETRIEVAL = """positive_objects,negative_objects,filepath,image_id,captions
"['lamp', 'hot dog']","['sofa']",/home/them/a.jpg,1,"['A lamp, but no sofa.', ""The lamp's on."", '']"
"[""sofa""]","[]",/home/them/b.jpg,2,"[""A sofa.""]"
"""


def test_choices_read_alike_in_any_order_of_columns(write):
    item = next(negbench.read_choices(write("one.csv", CHOICES)))
    assert item == next(negbench.read_choices(write("two.csv", SHUFFLED)))
    assert item.options == ("A lamp, but no sofa.", "A sofa, but no lamp.", "A sofa.", "No lamp.")
    assert item.groups == {"template": "hybrid"}


def test_binary_choices_without_templates_are_read_too(write):
    rows = "image_path,caption_0,caption_1,correct_answer\na.jpg,An opacity,No opacity,1\n"
    item = next(negbench.read_choices(write("binary.csv", rows)))
    assert (item.options, item.answer, item.groups) == (("An opacity", "No opacity"), 1, {})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (CHOICES.replace("image_path", "path"), "has no column 'image_path': it has path, correct_answer"),
        (CHOICES.replace(",0,", ",4,"), "Row 1 of .* has the correct_answer 4: 0 to 3 are there"),
        (
            CHOICES.replace(",0,", ",first,"),
            "correct_answer of Row 1 of .* is 'first': a whole number is needed",
        ),
        (CHOICES.replace(",hybrid", ""), "Row 1 of .* does not have the 7 cells of the header"),
    ],
)
def test_broken_choices_are_named(write, rows, message):
    with pytest.raises(OmniNegClipError, match=message):
        list(negbench.read_choices(write("broken.csv", rows)))


def test_retrieval_reads_python_and_json_lists(write):
    first, second = negbench.read_retrieval(write("retrieval.csv", RETRIEVAL))
    assert first.captions == ("A lamp, but no sofa.", "The lamp's on.", "")
    assert (first.present, first.absent) == (("lamp", "hot dog"), ("sofa",))
    assert (second.id, second.captions, second.absent) == ("2", ("A sofa.",), ())


def test_rows_of_one_image_are_put_together_but_ids_must_differ(write):
    twice = RETRIEVAL + "[],[],/home/them/b.jpg,2,\"['Again.']\"\n"
    assert list(negbench.read_retrieval(write("twice.csv", twice)))[1].captions == ("A sofa.", "Again.")
    with pytest.raises(OmniNegClipError, match="has the id '2' twice, for two images"):
        list(negbench.read_retrieval(write("clash.csv", twice.replace("b.jpg,2,\"['", "c.jpg,2,\"['"))))


@pytest.mark.parametrize("cell", ["__import__('os')", "['a'", "{'a': 1}", "[1]", "[" * 5000])
def test_what_is_no_list_of_texts_is_refused(write, cell):
    with pytest.raises(OmniNegClipError, match=r"captions of Row 1 of .* is not a list of texts"):
        list(negbench.read_retrieval(write("evil.csv", f'filepath,captions\na.jpg,"{cell}"\n')))
