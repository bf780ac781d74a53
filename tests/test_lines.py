import bz2
import gzip
import io
import lzma
import re
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import lines
from parsers.compression import is_packed
from parsers.lines import RawChunk, Source, read_chunks

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    # As the zstd program does it.
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
    "bzip2": lambda data: bz2.compress(data, 1),
    "xz": lzma.compress,
}
LOG = b"".join(
    b"Nov 23 14:09:%02d mx1 postfix/qmgr[247]: line %d\n" % (n % 60, n) for n in range(999)
)
# Random hexadecimal: compresses badly, so that a break has good data before and after it.
NOISE = b"".join(
    b"%s %s\n" % (zlib.crc32(b"%d" % n).to_bytes(4, "big").hex().encode(), b"%x" % (n * 7919))
    for n in range(30_000)
)


def read(data: bytes, size: int = 1 << 20) -> tuple[Source, list[RawChunk]]:
    source = Source("mail.log", stream=io.BytesIO(data))
    return source, list(read_chunks(source, size))


def text_of(chunks: list[RawChunk]) -> bytes:
    return b"".join(c.data for c in chunks)


def plain_lines(data: bytes) -> list[str]:
    """What RawChunk.lines() has to give, in plain Python."""
    parts = data.split(b"\n")
    if not parts[-1]:
        parts.pop()
    return [p.removesuffix(b"\r").decode(errors="backslashreplace") for p in parts]


@pytest.mark.parametrize("name", PACKERS)
def test_compressed_logs_are_told_by_content_not_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mail.log.txt"
    path.write_bytes(PACKERS[name](LOG))
    source = Source(str(path))
    assert text_of(list(read_chunks(source))) == LOG
    assert (source.lines, source.problem) == (999, None)


def test_plain_log_with_a_packed_name_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "mail.log.gz"
    path.write_bytes(LOG)
    source = Source(str(path))
    assert text_of(list(read_chunks(source))) == LOG
    assert source.problem is None


@pytest.mark.parametrize("name", PACKERS)
def test_members_that_follow_each_other_are_all_read(name: str) -> None:
    third = len(LOG) // 3
    parts = (LOG[:third], LOG[third : 2 * third], LOG[2 * third :])
    source, chunks = read(b"".join(PACKERS[name](p) for p in parts))
    assert text_of(chunks) == LOG
    assert source.problem is None


def test_padding_after_a_member_is_no_damage() -> None:
    source, chunks = read(gzip.compress(LOG) + b"\0" * 512)
    assert text_of(chunks) == LOG
    assert source.problem is None


def test_garbage_after_a_member_is_named() -> None:
    source, chunks = read(gzip.compress(LOG) + b"not gzip at all")
    assert text_of(chunks) == LOG
    assert source.problem is not None
    assert "damaged after line 999" in source.problem


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.999])
def test_truncated_data_is_read_up_to_the_break_and_the_break_is_named(
    name: str, kept: float
) -> None:
    packed = PACKERS[name](NOISE)
    source, chunks = read(packed[: int(len(packed) * kept)])
    data = text_of(chunks)
    assert NOISE.startswith(data)
    # Bzip2 and zstd give whole blocks only.
    if name not in ("bzip2", "zstd") or kept > 0.9:
        assert len(data) > len(NOISE) * kept * 0.5
    assert source.lines == len(plain_lines(data))
    assert source.problem == f"the {name} data breaks off after line {source.lines}"


@pytest.mark.parametrize("name", PACKERS)
def test_damaged_data_is_read_up_to_the_damage_and_the_damage_is_named(name: str) -> None:
    packed = bytearray(PACKERS[name](NOISE))
    start = len(packed) * 9 // 10
    packed[start : start + 64] = b"\xff" * 64
    source, chunks = read(bytes(packed))
    data = text_of(chunks)
    good = next((n for n, (a, b) in enumerate(zip(data, NOISE, strict=False)) if a != b), len(data))
    assert good > len(NOISE) * (0.3 if name in ("bzip2", "zstd") else 0.85)
    assert source.lines == len(plain_lines(data))
    assert source.problem is not None
    assert source.problem.startswith(f"the {name} data is damaged after line {source.lines}: ")


def test_small_file_damaged_at_its_end_keeps_what_was_good() -> None:
    packed = bytearray(gzip.compress(NOISE[:20_000]))
    packed[-5] ^= 0xFF
    source, chunks = read(bytes(packed))
    assert len(text_of(chunks)) > 15_000
    assert source.problem is not None


def test_medium_that_fails_half_way_gives_what_was_read_before() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > len(LOG) // 2:
                raise OSError(5, "Input/output error")
            return super().read(size)

    source = Source("mail.log", stream=Failing(LOG))
    chunks = list(read_chunks(source, 4096))
    assert len(text_of(chunks)) >= len(LOG) // 2
    assert source.problem == f"cannot be read after line {source.lines}: Input/output error"


def test_source_that_cannot_be_opened_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_chunks(Source(str(tmp_path / "none"))))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"one\rtwo\n", ["one\rtwo"]),
        (b"one\r\r\n", ["one\r"]),
        (b"a\0b\n\0\n", ["a\0b", "\0"]),
        (b"caf\xc3\xa9\n", ["café"]),
        (b"caf\xe9\r\ncaf\xc3\xa9\r\n", ["caf\\xe9", "café"]),
        (b"\xff", ["\\xff"]),
        ("a\u2028b\x0bc\x0cd\x85e\n".encode(), ["a\u2028b\x0bc\x0cd\x85e"]),
    ],
)
def test_lines_end_at_line_feeds_only(data: bytes, expected: list[str]) -> None:
    _, chunks = read(data)
    assert [line for c in chunks for line in c.lines()] == expected


@pytest.mark.parametrize(
    "head", [b"x\x01", b"x\x9c", b"x\xda", b"x^", b"\x1f\x8b\x08", b"(\xb5/\xfd"]
)
def test_line_that_begins_like_packed_data_is_a_line(head: bytes) -> None:
    data = head + b"abc\nsecond\n"
    assert RawChunk(data, 1).lines().to_list() == plain_lines(data)


def test_chunk_that_is_packed_data_in_itself_is_not_unpacked() -> None:
    data = gzip.compress(b"hidden\n")
    source, chunks = read(gzip.compress(data))
    assert text_of(chunks) == data
    assert sum(c.lines().len() for c in chunks) == source.lines


def test_very_long_line_comes_in_one_piece() -> None:
    data = b"before\n" + b"x" * 3_000_000 + b"\nafter\n"
    source, chunks = read(data, 1 << 16)
    assert text_of(chunks) == data
    assert source.lines == 3


@pytest.mark.parametrize("before", [b"", b"one\n", b"one\ntwo\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_endless_line_is_cut_and_the_next_one_is_whole(
    before: bytes, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    data = before + b"x" * 50_000 + b"\nlast\n"
    source, chunks = read(gzip.compress(data) if packed else data, 100)
    got = [line for c in chunks for line in c.lines()]
    count = before.count(b"\n")
    assert got[:count] == plain_lines(before)
    assert set(got[count]) == {"x"}
    # A step of the decompressor may come on top.
    assert 1000 <= len(got[count]) <= (50_000 if packed else 1200)
    assert got[count + 1 :] == ["last"]
    assert source.lines == count + 2
    assert max(len(c.data) for c in chunks) < 50_000 + 100


def test_endless_line_without_an_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    source, chunks = read(b"x" * 1_000_000, 100)
    assert source.lines == 1
    assert len(text_of(chunks)) <= 1200


TEXTS = st.lists(
    st.sampled_from(
        (
            *(b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"\xc3", b"\xc3\xa9", b"a", b"x\x01"),
            *(b"\x1f\x8b", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"a: [2/3] b", b"Q[2]: "),
            b" last message repeated 2 times",
        )
    )
    | st.binary(max_size=20),
    max_size=40,
).map(b"".join)
NO_MAGIC = TEXTS.filter(lambda data: not is_packed(data))


@given(data=NO_MAGIC, size=st.integers(1, 60))
@settings(deadline=None, max_examples=150)
def test_chunks_of_any_size_join_to_the_same_data(data: bytes, size: int) -> None:
    source, chunks = read(data, size)
    assert text_of(chunks) == data
    assert all(c.data.endswith(b"\n") for c in chunks[:-1])
    expected = plain_lines(data)
    assert source.lines == len(expected)
    at = 1
    for chunk in chunks:
        got = chunk.lines().to_list()
        assert chunk.first_line == at
        assert got == expected[at - 1 : at - 1 + len(got)] == plain_lines(chunk.data)
        at += len(got)
    assert at == len(expected) + 1


@given(
    data=st.lists(TEXTS, min_size=5, max_size=30).map(b"".join),
    size=st.integers(34, 200),
    repeat=st.integers(1, 20),
)
@settings(deadline=None, max_examples=100)
def test_files_are_read_like_streams(data: bytes, size: int, repeat: int) -> None:
    data = (b"a line\n" + data) * repeat
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(lines, "_WINDOW", 16):
        path = Path(folder, "mail.log")
        path.write_bytes(data)
        source = Source(str(path))
        chunks = list(read_chunks(source, size))
    assert text_of(chunks) == data
    assert all(c.data.endswith(b"\n") for c in chunks[:-1])
    assert [c.first_line for c in chunks] == [
        1 + text_of(chunks[:n]).count(b"\n") for n in range(len(chunks))
    ]
    assert source.lines == len(plain_lines(data))


@pytest.mark.parametrize("name", [*PACKERS, "plain"])
def test_large_files_are_read_whatever_they_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(PACKERS[name](NOISE) if name != "plain" else NOISE)
    size = 140_000
    assert path.stat().st_size > size
    source = Source(str(path))
    chunks = list(read_chunks(source, size))
    assert text_of(chunks) == NOISE
    assert len(chunks) > 1
    assert (source.lines, source.problem) == (len(plain_lines(NOISE)), None)


@pytest.mark.parametrize("size", [100, 200_000])
def test_line_in_the_middle_that_looks_like_packed_data_is_a_line(
    size: int, tmp_path: Path
) -> None:
    data = b"".join(b"BZh91AY\x1f\x8b %d\n" % n for n in range(30_000))
    path = tmp_path / "mail.log"
    path.write_bytes(b"first\n" + data)
    source = Source(str(path))
    assert text_of(list(read_chunks(source, size))) == b"first\n" + data
    assert source.problem is None


@given(data=NO_MAGIC, size=st.integers(6, 60), name=st.sampled_from(sorted(PACKERS)))
@settings(deadline=None, max_examples=60)
def test_packed_data_gives_the_lines_of_plain_data(data: bytes, size: int, name: str) -> None:
    source, chunks = read(PACKERS[name](data), size)
    assert text_of(chunks) == data
    assert (source.lines, source.problem) == (len(plain_lines(data)), None)


@given(cut=st.integers(0, 400), flip=st.integers(0, 255), name=st.sampled_from(sorted(PACKERS)))
@settings(deadline=None, max_examples=100)
def test_damage_anywhere_never_raises_and_is_never_silent(cut: int, flip: int, name: str) -> None:
    packed = bytearray(PACKERS[name](LOG[:2000]))
    cut %= len(packed)
    damaged = bytes(packed[:cut]) + bytes([packed[cut] ^ flip]) + bytes(packed[cut + 1 :])
    source, chunks = read(damaged)
    assert source.lines == len(plain_lines(text_of(chunks)))
    if text_of(chunks) != LOG[:2000]:
        # What no longer begins like packed data is text; nobody can tell.
        assert source.problem is not None or text_of(chunks) == damaged


# --- Lines that hang together

WHO = ("exim[11]", "exim[12]", "sm-mta[13]")


@st.composite
def split_messages(draw: st.DrawFn) -> list[bytes]:
    """Lines of several writers, some of them split into parts that others stand between."""
    queues: list[list[bytes]] = []
    for who in WHO:
        queue: list[bytes] = []
        for _ in range(draw(st.integers(1, 4))):
            parts = draw(st.integers(1, 5))
            head = f"Nov 23 14:09:10 mx1 {who}: ".encode()
            if parts == 1:
                queue.append(head + b"1xVUcz-00001P-1Z Completed")
            elif who.startswith("exim"):
                mark = draw(st.sampled_from([b"\\", b"/"]))
                queue += [head + b"[%d%s%d] text" % (n, mark, parts) for n in range(1, parts + 1)]
            else:
                ends = [b" ..."] * (parts - 1) + [b""]
                queue += [
                    head + b"6ANE1XAm000132[%d]: text" % n + end for n, end in enumerate(ends, 1)
                ]
        queues.append(queue)
    queues.append([b"Nov 23 14:09:10 mx1 last message repeated 3 times"] * draw(st.integers(0, 3)))
    out: list[bytes] = []
    while any(queues):
        queue = draw(st.sampled_from([q for q in queues if q]))
        out.append(queue.pop(0))
    return out


def belongs_to_an_earlier_line(line: bytes) -> bool:
    return bool(re.search(rb"last message repeated|\[[2-9][\\/][0-9]\] |\[[2-9]\]: ", line))


@given(log=split_messages(), size=st.integers(1, 2000))
@settings(deadline=None, max_examples=80)
def test_no_chunk_begins_inside_a_message_that_was_split(log: list[bytes], size: int) -> None:
    # Enough other lines around it that a cut has somewhere to go.
    calm = [b"Nov 23 14:09:10 mx1 postfix/qmgr[1]: A: removed"]
    log = calm * 3 + log + calm * 3
    source, chunks = read(b"\n".join(log) + b"\n", size)
    assert source.lines == len(log)
    for chunk in chunks[1:]:
        assert not belongs_to_an_earlier_line(chunk.data.partition(b"\n")[0])
    for who in WHO:
        mine = re.escape(who.encode())
        for chunk in chunks:
            numbers = re.findall(mine + rb": [^ \[]*\[([0-9])[]\\/]", chunk.data)
            assert not numbers or numbers[0] == b"1"


def test_parts_without_end_do_not_hold_up_the_reading() -> None:
    data = b"Nov 23 14:09:10 mx1 exim[11]: [1/9] never ends\n" + LOG * 20
    _, chunks = read(data, 4096)
    assert text_of(chunks) == data
    assert max(len(c.data) for c in chunks) < len(data)


def test_text_of_a_message_cannot_hold_up_the_reading() -> None:
    line = (
        b"Nov 23 14:09:10 mx1 postfix/smtpd[1]: reject: %s helo=<last message repeated 3 times>\n"
    )
    data = line % (b"x" * 300) * 500
    _, chunks = read(data, 4096)
    assert max(len(c.data) for c in chunks) < 3 * 4096
