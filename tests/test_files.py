import os
import stat
import threading
from pathlib import Path

import pytest

from analyzer.files import whole_file, write_whole


def test_file_is_written_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "report"
    write_whole(str(path), "é\ud800\n")
    assert path.read_bytes() == "é\\ud800\n".encode()


def test_old_content_stays_until_the_new_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    with whole_file(str(path)) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_failure_leaves_the_old_file_and_nothing_else(
    error: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "report"
    path.write_text("old")

    def fail_half_way() -> None:
        with whole_file(str(path)) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
    assert path.read_text() == "old"


def test_failure_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), whole_file(str(tmp_path / "report")):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "none" / "report")
    with pytest.raises(FileNotFoundError) as caught, whole_file(path):
        pass
    assert caught.value.filename == path


def test_rights_of_the_old_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o640)
    write_whole(str(path), "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_rights_of_a_new_file_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(str(tmp_path / "report"), "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o640


def test_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "report", tmp_path / "latest"
    path.write_text("old")
    link.symlink_to(path)
    write_whole(str(link), "new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_pipe_is_written_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(path.read_text()))
    reader.start()
    write_whole(str(path), "new")
    reader.join(10)
    assert got == ["new"]
    assert path.is_fifo()


def test_device_is_written_not_replaced() -> None:
    write_whole("/dev/null", "new")
    assert Path("/dev/null").is_char_device()
