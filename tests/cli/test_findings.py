import json


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_row_an_id_empty_text_included(radtrace, tmp_path):
    entries = [
        {"id": "a", "text": "Small right pleural effusion. No pneumothorax."},
        {"id": "b", "text": ""},
        {"id": 3, "text": "Überaufgebläht \U0001f600 heart is normal."},
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    done = radtrace("findings", "r.jsonl")
    assert done.returncode == 0
    found = rows(done)
    assert [row["id"] for row in found] == ["a", "b", 3]
    assert found[0]["labels"]["Pleural Effusion"] == "present"
    assert found[0]["nih14"]["Pneumothorax"] == "absent"
    assert found[1]["findings"] == []
    assert all(len(row["labels"]) == len(row["nih14"]) == 14 for row in found)
    for row, entry in zip(found, entries, strict=True):
        for finding in row["findings"]:
            start, end = finding["span"]
            assert entry["text"][start:end] == finding["text"]
    assert radtrace("findings", "-", stdin=(tmp_path / "r.jsonl").read_text()).stdout == done.stdout


def test_a_bad_line_is_named_and_the_rest_is_done(radtrace):
    lines = [
        '{"id": "a", "text": "Clear."}',
        "rubbish",
        '{"id": "a", "text": "Again."}',
        '{"id": "b"}',
        '{"id": "c", "text": "Clear."}',
    ]
    done = radtrace("findings", "-", stdin="\n".join(lines))
    assert done.returncode == 2
    assert [row["id"] for row in rows(done)] == ["a", "c"]
    assert done.stderr.splitlines() == [
        "radtrace: standard input: line 2: not JSON in UTF-8",
        "radtrace: standard input: line 3: doubled id 'a'",
        'radtrace: standard input: line 4: not {"id": …, "text": …}',
        "radtrace: -: 3 lines could not be used",
    ]


def test_a_text_is_answered_in_a_table_or_in_json(radtrace):
    text = "There is moderate cardiomegaly. Lungs are clear. " * 30
    table = radtrace("findings", text)
    assert table.returncode == 0, table.stderr
    assert "Cardiomegaly" in table.stdout
    (row,) = rows(radtrace("findings", text, "--json"))
    assert row["labels"]["Cardiomegaly"] == "present"
    for name in ("missing.jsonl", "reports.txt", "a/b.csv"):
        done = radtrace("findings", name)
        assert (done.returncode, done.stderr) == (2, f"radtrace: {name}: no such file\n")
