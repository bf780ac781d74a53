"""However runs are cut and logs rotate, the history is that of one run over everything."""

from pathlib import Path

from history_samples import GrowingLog, add, content, differences, lines_of_days, positions

LINES = lines_of_days(60, every=2400)
DATA = "".join(line + "\n" for line in LINES).encode()


def test_runs_cut_anywhere_give_the_same(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "mail.log")
    begin = 0
    for number, end in enumerate([*range(0, len(DATA), 4999), len(DATA)]):
        log.write(DATA[begin:end])
        begin = end
        if number % 2:
            add(tmp_path / "cut.db", log.path)
    add(tmp_path / "cut.db", log.path)
    add(tmp_path / "whole.db", log.path)
    assert differences(tmp_path / "cut.db", tmp_path / "whole.db") == []
    assert positions(tmp_path / "cut.db") == [(len(DATA), len(LINES))]
    assert len(content(tmp_path / "whole.db")) == 3
