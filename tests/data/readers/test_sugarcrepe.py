from omninegclip.data.readers import sugarcrepe


def test_caption_against_negative_grouped_by_file(write):
    rows = {"0": {"filename": "1.jpg", "caption": "a red bus", "negative_caption": "a blue bus"}}
    item = next(sugarcrepe.read(write("replace_att.json", rows)))
    assert (item.id, item.options, item.answer) == ("replace_att-0", ("a red bus", "a blue bus"), 0)
    assert item.groups == {"subset": "replace_att"}


def test_the_seven_files_have_7511_rows(shared):
    files = sorted((shared / "sugarcrepe" / "data").glob("*.json"))
    assert (len(files), sum(len(list(sugarcrepe.read(path))) for path in files)) == (7, 7511)
