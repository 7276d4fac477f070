"""Outside programs are run in one place, to an end that we decide."""

from __future__ import annotations

import ast
import sys
import time
from pathlib import Path

import pytest

import mediacreator
from mediacreator.errors import DeviceError, ToolMissing
from mediacreator.tools.running import Watched, require, run

HOME = Path(mediacreator.__file__).parent


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_only_tools_start_programs() -> None:
    named = (path for path in HOME.rglob("*.py") if "subprocess" in path.read_text())
    users = {path.relative_to(HOME).parts[0] for path in named if "subprocess" in imported(path)}
    assert users == {"tools"}


def python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


def test_both_streams_and_the_code_come_back() -> None:
    done = run(*python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"), timeout=20)
    assert (done.code, done.out, done.err) == (7, "out\n", "err\n")


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(DeviceError, match=r"for 0 seconds") as caught:
        run(*python("import time; time.sleep(60)"), timeout=0.3)
    assert caught.value.code == "device-vanished"


def test_a_program_that_falls_silent_is_ended_and_what_it_said_is_heard() -> None:
    heard: list[str] = []
    code = "import time; print('one\\rtwo\\n', flush=True); time.sleep(60)"
    begun = time.monotonic()
    with pytest.raises(DeviceError), Watched(*python(code), silence=2) as watched:
        heard.extend(watched.lines())
    assert time.monotonic() - begun < 20
    assert watched.code == -15


def test_lines_that_overwrite_each_other_are_lines() -> None:
    with Watched(*python("print('one\\rtwo\\n\\nthree', end='')"), silence=20) as watched:
        assert list(watched.lines()) == ["one", "two", "three"]
        assert watched.code == 0


def test_leaving_ends_what_still_works() -> None:
    with pytest.raises(KeyboardInterrupt), Watched(*python("import time; time.sleep(60)"), silence=20) as watched:
        raise KeyboardInterrupt
    assert watched.code == -15


def test_a_missing_program_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match="apt-get install xorriso"):
        require("xorriso", "xorriso")
