"""What the user asked to see: which events count."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from parsers.event import TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters on events; None means all. Times are aware; `until` is excluded."""

    since: datetime | None = None
    until: datetime | None = None
    hosts: tuple[str, ...] = ()
    mtas: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()

    def test(self) -> pl.Expr | None:
        """The filter over event columns; None where everything is selected."""
        tests: list[pl.Expr] = []
        if self.since is not None:
            tests.append(pl.col("time") >= _instant(self.since))
        if self.until is not None:
            tests.append(pl.col("time") < _instant(self.until))
        if self.hosts:
            tests.append(pl.col("host").is_in(list(self.hosts)))
        if self.mtas:
            tests.append(pl.col("mta").cast(pl.String).is_in(list(self.mtas)))
        if self.directions:
            tests.append(pl.col("direction").cast(pl.String).is_in(list(self.directions)))
        if self.codes:
            tests.append(pl.any_horizontal(_code_test(c) for c in self.codes))
        if self.domains:
            tests.append(_domain_test(self.domains))
        return pl.all_horizontal(tests) if tests else None


def _instant(moment: datetime) -> pl.Expr:
    return pl.lit(moment.astimezone(UTC), dtype=TIME)


def _code_test(code: str) -> pl.Expr:
    """`550`, `5xx` or `5.7.1`."""
    if "." in code:
        return (pl.col("enhanced_code") == code).fill_null(False)
    if code.endswith("xx"):
        return (pl.col("reply_code") // 100 == int(code[0])).fill_null(False)
    return (pl.col("reply_code") == int(code)).fill_null(False)


def _domain_test(domains: tuple[str, ...]) -> pl.Expr:
    """Sender's or recipient's domain is one of these or below one of them."""
    wanted = [d.lower().lstrip("@").rstrip(".") for d in domains]
    return pl.any_horizontal(
        ((domain == d) | domain.str.ends_with("." + d)).fill_null(False)
        for d in wanted
        for domain in (
            pl.col(c).str.to_lowercase().str.extract(r"@([^@]*)$", 1)
            for c in ("sender", "recipient")
        )
    )
