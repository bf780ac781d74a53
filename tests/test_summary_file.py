"""A Summary to a file and back, and files that are not what they say."""

import json
import random
import sys
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from log_samples import day_of
from polars.testing import assert_frame_equal

from analyzer import summary_file
from analyzer.build import build
from analyzer.exits import Exit, Refused
from analyzer.inputs import gather
from analyzer.pipeline import summarise_tasks
from analyzer.sections import Chosen
from analyzer.summary import Summary, finish
from analyzer.summary_file import About, Exported, Told, packed, read_stream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SOME = Chosen(("connections", "providers", "queue_times", "rejections"))
ABOUT = About(
    zone="Europe/Berlin",
    year=2026,
    filters=("--since 2026-11-22",),
    problems=("/var/log/gone: No such file or directory",),
    notes=("a note",),
    inputs=(Told("/var/log/mail.log", 12, "breaks off"), Told("-", 0)),
    made="2026-11-24T00:00:00+00:00",
    version="0.1.0",
)
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """Of messages that are over and open, with a few sections."""
    path = tmp_path_factory.mktemp("log") / "mail.log"
    path.write_text("".join(f"{line}\n" for line in day_of(80)))
    tasks = gather([str(path)], zone="UTC", year=None, now=NOW).tasks
    found = summarise_tasks(tasks, chosen=SOME)
    assert found.open.height > 0
    assert found.examples.height > 0
    return found


def read(data: bytes) -> Exported:
    return read_stream(BytesIO(data), "mx1.summary")


def frames(summary: Summary) -> dict[str, pl.DataFrame]:
    own = {f.name: getattr(summary, f.name) for f in fields(Summary)}
    return summary.tables | {n: f for n, f in own.items() if isinstance(f, pl.DataFrame)}


def changed(data: bytes, change: Change) -> bytes:
    """The file with other members, whose checksums are right again."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return whole.getvalue()


def in_manifest(**values: object) -> Change:
    def change(members: dict[str, bytes]) -> None:
        manifest: dict[str, Any] = json.loads(members["manifest.json"])
        members["manifest.json"] = json.dumps(manifest | values).encode()

    return change


def frame_member(frame: pl.DataFrame) -> bytes:
    stream = BytesIO()
    frame.write_ipc_stream(stream, compat_level=pl.CompatLevel.oldest())
    return zstd.compress(stream.getvalue())


def in_table(name: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    def apply(members: dict[str, bytes]) -> None:
        member = f"table/{name}.arrow.zst"
        frame = change(pl.read_ipc_stream(BytesIO(zstd.decompress(members[member]))))
        members[member] = frame_member(frame)

    return apply


def test_summary_comes_back_as_it_was(summary: Summary, tmp_path: Path) -> None:
    path = str(tmp_path / "mx1.summary")
    summary_file.write(path, summary, ABOUT)
    found = summary_file.read(path)
    assert found.about == ABOUT
    assert found.summary.chosen == SOME
    assert found.missing == ()
    expected, got = frames(summary), frames(found.summary)
    assert got.keys() == expected.keys()
    for name, frame in expected.items():
        assert_frame_equal(got[name], frame)
    assert [p.name for p in tmp_path.iterdir()] == ["mx1.summary"]


def test_file_is_known_by_its_content_and_is_the_same_each_time(summary: Summary) -> None:
    data = packed(summary, ABOUT)
    assert summary_file.is_summary(data[: summary_file.HEAD])
    assert data == packed(summary, ABOUT)
    other = BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr(
            "mail.log", "Nov 22 03:10:01 mx1 postfix/smtpd[1]: connect from x[192.0.2.1]"
        )
    assert not summary_file.is_summary(other.getvalue()[: summary_file.HEAD])
    assert not summary_file.is_summary(b"Nov 22 03:10:01 mx1 postfix")


def test_half_a_file_is_not_left_behind(summary: Summary, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        summary_file.write(str(tmp_path / "none" / "mx1.summary"), summary, ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_report_of_what_comes_back_is_the_same(summary: Summary) -> None:
    found = read(packed(summary, ABOUT)).summary
    reports = [build(finish(s), [], zone="UTC", top=None) for s in (summary, found)]
    assert reports[0] == reports[1]
    assert reports[0].totals.sent > 0
    assert len(reports[0].listings) > 5


def test_table_that_an_older_version_did_not_have_is_empty_and_named(summary: Summary) -> None:
    rows = json.loads(_manifest(packed(summary, ABOUT)))["rows"]
    assert rows["table/client_names"] > 0
    del rows["table/client_names"], rows["field/examples"]

    def change(members: dict[str, bytes]) -> None:
        del members["table/client_names.arrow.zst"], members["field/examples.arrow.zst"]
        in_manifest(rows=rows)(members)

    found = read(changed(packed(summary, ABOUT), change))
    assert found.missing == ("client_names", "examples")
    assert found.summary.tables["client_names"].is_empty()
    assert_frame_equal(found.summary.tables["relays"], summary.tables["relays"])


def _manifest(data: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return archive.read("manifest.json")


def _drop(name: str) -> Change:
    def change(members: dict[str, bytes]) -> None:
        del members[name]

    return change


def _add(name: str, content: bytes) -> Change:
    def change(members: dict[str, bytes]) -> None:
        members[name] = content

    return change


_RELAYS = "table/relays.arrow.zst"
WRONG: dict[str, tuple[Change, str]] = {
    "newer major": (in_manifest(schema_version=[2, 0]), "version 2.0, and this smtplens reads 1.0"),
    "newer minor": (in_manifest(schema_version=[1, 1]), "use the same or a newer smtplens here"),
    "version of another form": (in_manifest(schema_version="1"), "without a version"),
    "version of booleans": (in_manifest(schema_version=[True, False]), "without a version"),
    "another format": (in_manifest(format="other"), "no summary file"),
    "manifest is a list": (_add("manifest.json", b"[]"), "no summary file"),
    "manifest is no JSON": (_add("manifest.json", b"{"), "not a whole summary file"),
    "manifest too deep": (_add("manifest.json", b"[" * 100_000), "not a whole summary file"),
    "manifest is missing": (_drop("manifest.json"), "no summary file"),
    "inputs of another form": (in_manifest(inputs=[[1]]), "tells an input in another form"),
    "lines that are no number": (
        in_manifest(inputs=[{"name": "a", "lines": "1"}]),
        "counts lines in another form",
    ),
    "note that is no text": (in_manifest(notes=[{}]), "in the place of a text"),
    "unknown section": (in_manifest(sections=["telepathy"]), "has a section 'telepathy'"),
    "unknown table": (_add("table/oracles.arrow.zst", b""), "too old to read it"),
    "path out of the archive": (_add("../../etc/passwd", b"x"), "too old to read it"),
    "table left out": (_drop(_RELAYS), "other tables than its manifest says"),
    "table without an end": (_add(_RELAYS, zstd.compress(b"x" * 9999)[:-4]), "breaks off"),
    "table with more behind": (_add(_RELAYS, zstd.compress(b"x") + b"y"), "breaks off"),
    "table that is no Arrow": (_add(_RELAYS, zstd.compress(b"x" * 99)), "not a whole summary"),
    "table that is no zstd": (_add(_RELAYS, b"x" * 99), "not a whole summary"),
    "other columns": (in_table("relays", lambda t: t.rename({"sent": "bent"})), "other columns"),
    "other types": (in_table("relays", lambda t: t.cast({"sent": pl.Int8})), "other columns"),
    "unknown word": (
        in_table("flow", lambda t: t.with_columns(mta=pl.lit("mailmill"))),
        "a value that this smtplens does not know",
    ),
    "rule that there is not": (
        in_table("replies", lambda t: t.with_columns(implied=pl.lit("postfix.oracle"))),
        "a rule that cannot be",
    ),
    "time out of the calendar": (
        in_table(
            "flow", lambda t: t.with_columns(pl.lit(1 << 62).cast(t.schema["hour"]).alias("hour"))
        ),
        "a time that cannot be",
    ),
    "count out of bounds": (
        in_table("relays", lambda t: t.with_columns(sent=pl.lit((1 << 64) - 1, pl.UInt64))),
        "a count that cannot be",
    ),
    "duration out of bounds": (
        in_table("queue_times.messages", lambda t: t.with_columns(bucket=pl.lit(9999, pl.Int16))),
        "a duration that cannot be",
    ),
    "other number of rows": (in_table("relays", lambda t: pl.concat([t, t])), "manifest says"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_believed_is_refused_with_the_reason(summary: Summary, what: str) -> None:
    change, reason = WRONG[what]
    with pytest.raises(Refused, match=reason) as refused:
        read(changed(packed(summary, ABOUT), change))
    assert refused.value.status is Exit.INPUT
    assert str(refused.value).startswith("mx1.summary: ")


def test_bomb_is_not_unpacked(summary: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_file, "_FREE", 1 << 20)
    bomb = zstd.compress(bytes(400 << 20))
    assert len(bomb) < 1 << 17
    grown, unpacker = 0, zstd.ZstdDecompressor

    class Counting:
        def __init__(self) -> None:
            self.inner = unpacker()

        def decompress(self, data: bytes, most: int = -1) -> bytes:
            nonlocal grown
            part: bytes = self.inner.decompress(data, most)
            grown += len(part)
            return part

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    bent = changed(packed(summary, ABOUT), _add(_RELAYS, bomb))
    monkeypatch.setattr(zstd, "ZstdDecompressor", Counting)
    with pytest.raises(Refused, match="far larger than its packed size"):
        read(bent)
    assert grown < 64 << 20


def test_deflated_members_are_refused(summary: Summary) -> None:
    with zipfile.ZipFile(BytesIO(packed(summary, ABOUT))) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(Refused, match="no summary file"):
        read(whole.getvalue())


def test_truncated_file_is_refused(summary: Summary) -> None:
    data = packed(summary, ABOUT)
    for length in (0, 1, 64, len(data) // 2, len(data) - 1):
        with pytest.raises(Refused) as refused:
            read(data[:length])
        assert refused.value.status is Exit.INPUT


def test_any_flipped_byte_is_noticed_or_changes_nothing(summary: Summary) -> None:
    data = packed(summary, ABOUT)
    expected = frames(summary)
    dice = random.Random(1)  # noqa: S311
    refused = 0
    for _ in range(60):
        bent = bytearray(data)
        bent[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        try:
            found = read(bytes(bent))
        except Refused:
            refused += 1
            continue
        for name, frame in frames(found.summary).items():
            assert_frame_equal(frame, expected[name])
    assert refused > 30


def test_arrow_bytes_that_an_attacker_wrote_refuse_the_file_or_are_values(summary: Summary) -> None:
    dice = random.Random(2)  # noqa: S311
    data = packed(summary, ABOUT)
    read_as = 0
    for _ in range(60):
        table = dice.choice(["table/replies", "table/relays", "field/open", "field/examples"])

        def bend(members: dict[str, bytes], name: str = f"{table}.arrow.zst") -> None:
            raw = bytearray(zstd.decompress(members[name]))
            for _ in range(dice.choice([1, 4])):
                raw[dice.randrange(len(raw))] = dice.choice([0, 1, 127, 128, 255])
            members[name] = zstd.compress(bytes(raw))

        try:
            found = read(changed(data, bend))
        except Refused:
            continue
        read_as += 1
        if read_as % 5 == 0:
            build(finish(found.summary), [], zone="UTC")
    assert read_as > 10


def test_fields_and_tables_need_no_list(summary: Summary) -> None:
    """A frame that is added to the Summary is stored without a change here."""
    rows = json.loads(_manifest(packed(summary, ABOUT)))["rows"]
    stored = {name.partition("/")[2] for name in rows}
    assert stored == set(frames(summary))
    for chosen in (Chosen(), Chosen((), raw=True, hosts=("mx1", "mx2"))):
        assert read(packed(replace(summary, chosen=chosen), ABOUT)).summary.chosen == chosen
