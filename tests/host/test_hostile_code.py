"""Nothing that comes from outside is ever run: no eval, no pickle, no shell, anywhere in the host's code.

Checked over the syntax tree. What a file is opened by stands in tests/fuzz/guard.py, which watches it happen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines import ROOT

HOST = ROOT / "host" / "retrosole"
BUILTINS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "codeop", "runpy", "yaml"}
MODULES |= {"xml", "lxml"}  # entities that grow without bound
CALLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp"}
CALLS |= {"pd.read_pickle", "shutil.unpack_archive"}


def offences(source: str) -> Iterator[str]:
    """Give what a source does that no reader may do, each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (f"line {node.lineno}: imports {name}" for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            yield from (f"line {node.lineno}: {what}" for what in _offences_of_call(node))


def _offences_of_call(call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    if name in BUILTINS or name.removeprefix("builtins.") in BUILTINS:
        yield f"calls {name}"
    if name in CALLS or name.endswith((".extractall", ".unsafe_load")):
        yield f"calls {name}"
    for keyword in call.keywords:
        value = keyword.value
        is_false = isinstance(value, ast.Constant) and value.value is False
        if keyword.arg in ("shell", "allow_pickle") and not is_false:
            yield f"calls {name} with {keyword.arg}={ast.unparse(value)}"


def sources() -> list[Path]:
    return sorted(HOST.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(HOST)))
def test_the_host_runs_nothing_that_it_reads(path: Path) -> None:
    assert list(offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = eval(text)", "line 1: calls eval"),
        ("import builtins\nbuiltins.exec(text)", "line 2: calls builtins.exec"),
        ("import pickle", "line 1: imports pickle"),
        ("from marshal import loads", "line 1: imports marshal"),
        ("import yaml", "line 1: imports yaml"),
        ("from xml.etree.ElementTree import parse", "line 1: imports xml.etree.ElementTree"),
        ("subprocess.run(text, shell=True)", "line 1: calls subprocess.run with shell=True"),
        ("subprocess.run(text, shell=wanted)", "line 1: calls subprocess.run with shell=wanted"),
        ("np.load(path, allow_pickle=True)", "line 1: calls np.load with allow_pickle=True"),
        ("archive.extractall(path)", "line 1: calls archive.extractall"),
        ("os.system(text)", "line 1: calls os.system"),
    ],
)
def test_an_offence_is_seen(source: str, said: str) -> None:
    assert list(offences(source)) == [said]


def test_what_is_harmless_is_not_taken_for_one() -> None:
    assert list(offences("import re\nre.compile(text)\nsubprocess.run([text], shell=False)\nwalk.eval_s = 1")) == []
