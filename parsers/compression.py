"""Compressed data, told by content and never by name; what can be unpacked is."""

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_STEP = 1 << 10
"""Compressed bytes at a time: a step that fails takes the good data in it along."""


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes: ...


_MAGIC: tuple[tuple[bytes, str, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", "gzip", lambda: zlib.decompressobj(31)),
    (b"\x28\xb5\x2f\xfd", "zstd", zstd.ZstdDecompressor),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", "xz", lzma.LZMADecompressor),
)
LONGEST_MAGIC = max(len(magic) for magic, *_ in _MAGIC)


class Damaged(Exception):
    """The data is not what it began as, or breaks off; what came before is good."""


def is_packed(begin: bytes) -> bool:
    """Whether data that begins like this is compressed."""
    return any(begin.startswith(magic) for magic, *_ in _MAGIC)


def unpacked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The data in compressed blocks, of which the first begins with a magic number.

    Raises Damaged where it breaks off.
    """
    block = next(blocks)
    name, make = next((name, make) for magic, name, make in _MAGIC if block.startswith(magic))
    decompressor: _Decompressor = make()
    started = False
    while block:
        try:
            for start in range(0, len(block), _STEP):
                data = block[start : start + _STEP]
                while data:
                    if decompressor.eof:
                        if not data.strip(b"\0"):
                            break
                        decompressor = make()
                    started = True
                    out = decompressor.decompress(data)
                    data = decompressor.unused_data if decompressor.eof else b""
                    if out:
                        yield out
        except (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError, zstd.ZstdError) as error:
            raise Damaged(f"the {name} data is damaged after line {{line}}: {error}") from error
        block = next(blocks, b"")
    if started and not decompressor.eof:
        raise Damaged(f"the {name} data breaks off after line {{line}}")
