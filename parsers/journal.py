"""Journal entries as `journalctl -o json` prints them: one JSON object a line.

MESSAGE is a string, or an array of bytes where the text is not clean UTF-8
(systemd.journal-fields, JOURNAL EXPORT FORMATS: JSON).
"""

import polars as pl

from .clock import Clock
from .event import TIME

_FIELDS = {
    "stamp": ("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"),
    "host": ("_HOSTNAME",),
    "tag": ("SYSLOG_IDENTIFIER", "_COMM"),
    "pid": ("_PID", "SYSLOG_PID"),
}
# A quote inside a JSON string is escaped, so this stands only where the field itself does.
_BYTES = r'"MESSAGE" ?: ?\['
_TEXT = pl.String()
# Well-formed UTF-8 in hexadecimal (RFC 3629 4): polars fails a whole column on one bad byte.
_TAIL = "[89ab][0-9a-f]"
_UTF8 = (
    f"^(?:[0-7][0-9a-f]|(?:c[2-9a-f]|d[0-9a-f]){_TAIL}|e0[ab][0-9a-f]{_TAIL}"
    f"|(?:e[1-9abcef]{_TAIL}|ed[89][0-9a-f]){_TAIL}|f0[9ab][0-9a-f]{_TAIL}{_TAIL}"
    f"|(?:f[123]{_TAIL}|f48[0-9a-f]){_TAIL}{_TAIL})*$"
)


def journal_columns(lines: pl.DataFrame) -> pl.DataFrame:
    """Add stamp (microseconds, text), host, tag, pid and message to a frame with `line`."""
    is_object = pl.col("line").str.starts_with("{") & pl.col("line").str.contains(
        '"MESSAGE"', literal=True
    )
    if not lines.select(is_object.any()).item():
        return lines.with_columns(pl.lit(None, dtype=_TEXT).alias(n) for n in (*_FIELDS, "message"))
    keys = sorted({k for names in _FIELDS.values() for k in names})
    line = pl.when(is_object).then(pl.col("line"))
    as_bytes = line.str.contains(_BYTES)
    try:
        decoded = lines.select(
            pl.when(~as_bytes)
            .then(line)
            .str.json_decode(pl.Struct(dict.fromkeys([*keys, "MESSAGE"], _TEXT)))
            .alias("j")
        ).unnest("j")
    except pl.exceptions.ComputeError:
        # One malformed object fails the whole decode: field by field then.
        text = pl.when(~as_bytes).then(line)
        decoded = lines.select(
            text.str.json_path_match(f"$.{k}").alias(k) for k in [*keys, "MESSAGE"]
        )
    if lines.select(as_bytes.any()).item():
        raw = lines.select(
            pl.when(as_bytes).then(line).str.json_path_match(f"$.{k}").alias(k)
            for k in [*keys, "MESSAGE"]
        )
        texts = raw.select(pl.col(keys), _from_bytes(pl.col("MESSAGE")).alias("MESSAGE"))
        decoded = decoded.select(pl.coalesce(pl.col(k), texts[k]).alias(k) for k in decoded.columns)
    found = decoded.select(
        *(pl.coalesce(names).alias(n) for n, names in _FIELDS.items()),
        pl.col("MESSAGE").alias("message"),
    )
    complete = pl.col("message").is_not_null() & pl.col("stamp").str.contains("^[0-9]{1,16}$")
    return pl.concat(
        [lines, found.select(pl.when(complete).then(pl.col(n)).alias(n) for n in found.columns)],
        how="horizontal",
    )


def _from_bytes(array: pl.Expr) -> pl.Expr:
    """Text of `[99,111,110]`; bytes that are no UTF-8 become `\\xff` escapes."""
    numbers = (
        array.str.strip_chars("[] ").str.split(",").list.eval(pl.element().str.strip_chars(" "))
    )
    every = [str(b) for b in range(256)]
    escapes = [chr(b) if b < 0x80 else f"\\x{b:02x}" for b in range(256)]

    def spelled(by: list[str]) -> pl.Expr:
        one = pl.element().replace_strict(every, by, default="", return_dtype=pl.String)
        return numbers.list.eval(one).list.join("")

    digits = spelled([f"{b:02x}" for b in range(256)])
    clean = pl.when(digits.str.contains(_UTF8)).then(digits)
    return pl.coalesce(clean.str.decode("hex").cast(pl.String), spelled(escapes))


def journal_times(stamps: pl.Series, clock: Clock) -> pl.Series:
    """Instants of microseconds since 1970."""
    del clock  # these stamps leave nothing out
    return stamps.cast(pl.Int64, strict=False).cast(TIME)
