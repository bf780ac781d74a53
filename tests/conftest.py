"""What all tests share: golden files, and the option that rewrites them."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# A developer's own configuration changes no test.
os.environ["SMTPLENS_CONFIG"] = os.devnull

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/golden with what comes out now; the tests that use it then fail",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a file in tests/golden, byte for byte."""
    update: bool = request.config.getoption("--update-golden")

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
            # A run that writes what it expects has tested nothing.
            pytest.fail(f"wrote {path.name}: read the difference, then run without the option")
        assert path.is_file(), f"no tests/golden/{name}: make it with --update-golden"
        assert text == path.read_bytes().decode()

    return check
