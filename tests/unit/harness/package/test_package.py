"""harness.package: each function's zip holds what it imports, nothing else, and the same bytes every time."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness import package
from harness.errors import HarnessError
from harness.package import Artifact, Target, wheels
from harness.package.target import platform_of
from harness.package.wheels import Wheels

PYTHON = Path(sys.executable)
ROOT = Path(package.__file__).parents[2]
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"
X86_64 = ARM64[:18] + b"\x3e\x00"

Files = dict[str, str | bytes]


def write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)


def distribution(folder: Path, name: str, files: Files, requires: tuple[str, ...] = ()) -> None:
    """Unpack a made-up wheel."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    metadata = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}",
        f"{info}/INSTALLER": "uv",
        f"{info}/licenses/LICENSE": "a licence",
    }
    write(folder, {**files, f"{info}/RECORD": "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])})


@dataclass
class Tree:
    """A checkout with functions, a package of our own and made-up wheels."""

    root: Path

    @property
    def third_party(self) -> Wheels:
        return Wheels(self.root / "wheels/functions", self.root / "wheels/runtime", "fixture")

    def sources(self, files: Files) -> None:
        write(self.root / "lambdas", files)

    def build(self, target: Target = Target.HOST, out: str = "out") -> dict[str, Artifact]:
        built = package.build(
            target,
            self.root / out,
            python=PYTHON,
            sources=self.root / "lambdas",
            pyproject=self.root / "pyproject.toml",
            third_party=self.third_party,
        )
        return {one.function: one for one in built}

    def names(self, function: str) -> list[str]:
        with zipfile.ZipFile(self.build()[function].path) as opened:
            return opened.namelist()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    functions, runtime = made.third_party.functions, made.third_party.runtime
    distribution(
        functions,
        "power-tools",
        {"power_tools/__init__.py": "", "power_tools/py.typed": "", "bin/power": "#!", "../../../bin/power": "#!"},
        ("small", "trace; extra == 'tracer'", "heavy; extra == 'all'", "old; python_version < '3.0'"),
    )
    distribution(functions, "small", {"small.py": "", "small.pyi": "", "__pycache__/small.cpython-311.pyc": b""})
    distribution(functions, "trace", {"trace_sdk/__init__.py": "", "trace_sdk/tests/test_it.py": ""}, ("botocore",))
    distribution(functions, "botocore", {"botocore/__init__.py": ""})
    distribution(functions, "report", {"report/__init__.py": "import picture"}, ("Picture_Lib>=1",))
    distribution(
        functions,
        "picture-lib",
        {
            "picture/__init__.py": "",
            "picture/_c.cpython-313-aarch64-linux-gnu.so": ARM64,
            "picture_lib.libs/z.so.1": ARM64,
        },
    )
    distribution(functions, "heavy", {"heavy/__init__.py": ""})
    distribution(runtime, "boto3", {"boto3/__init__.py": ""}, ("botocore",))
    distribution(runtime, "botocore", {"botocore/__init__.py": ""})
    write(tmp_path, {"pyproject.toml": '[dependency-groups]\nlambdas = ["power-tools[tracer]~=1.0", "report"]\n'})
    made.sources(
        {
            "domain/__init__.py": "",
            "domain/api.py": "import json\nimport boto3\nfrom power_tools import Logger\nfrom domain import money\n",
            "domain/money.py": "from decimal import Decimal\n",
            "domain/pdf.py": "from report import Canvas\n",
            "get_it/__init__.py": "",
            "get_it/handler.py": "from domain.api import money\ndef lambda_handler(event, context): ...\n",
            "make_pdf/__init__.py": "",
            "make_pdf/handler.py": "def lambda_handler(event, context):\n    import domain.pdf\n",
            "make_pdf/fonts/Font.ttf": b"font",
            "make_pdf/__pycache__/handler.cpython-311.pyc": b"cache",
            "make_pdf/.DS_Store": b"",
            "not_a_function/readme.txt": "",
        }
    )
    return made


def test_every_folder_with_a_handler_is_a_function(tree: Tree) -> None:
    functions = package.functions(tree.root / "lambdas")
    assert [one.name for one in functions] == ["get-it", "make-pdf"]
    assert functions[0].handler == "get_it.handler.lambda_handler"


def test_a_zip_holds_what_the_function_reaches_and_nothing_else(tree: Tree) -> None:
    assert tree.names("get-it") == [
        "domain/__init__.py",
        "domain/api.py",
        "domain/money.py",
        "get_it/__init__.py",
        "get_it/handler.py",
        "power_tools-1.0.dist-info/METADATA",
        "power_tools/__init__.py",
        "power_tools/py.typed",
        "small-1.0.dist-info/METADATA",
        "small.py",
        "trace-1.0.dist-info/METADATA",
        "trace_sdk/__init__.py",
    ]


def test_an_import_inside_a_function_counts_and_brings_shared_libraries(tree: Tree) -> None:
    names = tree.names("make-pdf")
    assert {"report/__init__.py", "picture/__init__.py", "picture_lib.libs/z.so.1", "domain/pdf.py"} <= set(names)
    assert "power_tools/__init__.py" not in names


def test_files_of_the_function_ship_but_caches_and_hidden_ones_do_not(tree: Tree) -> None:
    ours = [name for name in tree.names("make-pdf") if name.startswith("make_pdf/")]
    assert ours == ["make_pdf/__init__.py", "make_pdf/fonts/Font.ttf", "make_pdf/handler.py"]


def test_what_the_runtime_brings_is_not_shipped_even_when_a_distribution_requires_it(tree: Tree) -> None:
    assert not [name for name in tree.names("get-it") if name.startswith(("boto3", "botocore"))]


def test_only_the_extras_that_were_asked_for_bring_distributions(tree: Tree) -> None:
    assert tree.build()["get-it"].distributions == ("power-tools", "small", "trace")


def test_the_bytes_do_not_depend_on_folder_umask_time_zone_or_locale(tree: Tree, tmp_path: Path) -> None:
    program = (
        "import os, sys; os.umask(int(sys.argv[3], 8)); from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "sys.path.insert(0, sys.argv[4]); from test_package import Tree; "
        "[print(a.function, a.sha256) for a in Tree(Path(sys.argv[2])).build(out=sys.argv[5]).values()]"
    )
    copy = tmp_path / "elsewhere" / "with a space"
    subprocess.run(["/bin/cp", "-R", str(tree.root), str(tmp_path.parent / "copy")], check=True)
    copy.parent.mkdir()
    (tmp_path.parent / "copy").rename(copy)
    for file in copy.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    said = []
    for folder, umask, zone, language in ((tree.root, "022", "UTC", "C"), (copy, "077", "Asia/Tokyo", "tr_TR.UTF-8")):
        env = {"PATH": os.defpath, "TZ": zone, "LC_ALL": language, "PYTHONHASHSEED": umask}
        command = [str(PYTHON), "-B", "-c", program, str(ROOT), str(folder), umask, str(Path(__file__).parent), "o"]
        ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        said.append(ended.stdout)
    assert said[0] == said[1]
    for name in ("get-it", "make-pdf"):
        assert (tree.root / "o" / f"{name}.zip").read_bytes() == (copy / "o" / f"{name}.zip").read_bytes()


def test_entries_have_one_time_and_plain_modes(tree: Tree) -> None:
    with zipfile.ZipFile(tree.build()["make-pdf"].path) as opened:
        entries = opened.infolist()
    assert [one.filename for one in entries] == sorted(one.filename for one in entries)
    assert {one.date_time for one in entries} == {(1980, 1, 1, 0, 0, 0)}
    modes = {one.filename: oct(one.external_attr >> 16) for one in entries}
    assert modes["make_pdf/handler.py"] == "0o100644"
    assert modes["picture_lib.libs/z.so.1"] == "0o100755"


def test_an_artifact_tells_its_size_and_checksum(tree: Tree) -> None:
    made = tree.build()["get-it"]
    with zipfile.ZipFile(made.path) as opened:
        assert made.unpacked_bytes == sum(one.file_size for one in opened.infolist())
    assert made.size_bytes == made.path.stat().st_size
    assert made.path == tree.root / "out" / "get-it.zip"
    assert len(made.sha256) == 64


def test_a_function_that_has_not_changed_is_not_built_again(tree: Tree) -> None:
    first = tree.build()
    tree.sources({"domain/pdf.py": "from report import Canvas\nSIZE = 1\n"})
    second = tree.build()
    assert second["get-it"] == replace(first["get-it"], reused=True)
    assert not second["make-pdf"].reused
    assert second["make-pdf"].sha256 != first["make-pdf"].sha256


def test_a_zip_that_was_damaged_is_built_again(tree: Tree) -> None:
    first = tree.build()["get-it"]
    first.path.write_bytes(b"damaged")
    assert tree.build()["get-it"] == first


def test_the_zip_of_a_function_that_is_no_more_is_removed(tree: Tree) -> None:
    tree.build()
    (tree.root / "lambdas/get_it/handler.py").unlink()
    assert list(tree.build()) == ["make-pdf"]
    assert sorted(path.name for path in (tree.root / "out").glob("*.zip")) == ["make-pdf.zip"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nimport no_such_thing\n", r"get_it/handler.py:2 imports no_such_thing, which no package"),
        ("from domain.nothing import x\n", r"get_it/handler.py:1 imports domain.nothing.x, but lambdas/ has no module"),
        ("import telnetlib\n", r"get_it/handler.py:1 imports telnetlib, which no package"),
        ("def f(:\n", r"get_it/handler.py:1 does not parse"),
        ("from ... import x\n", r"get_it/handler.py:1 has a relative import that goes beyond"),
    ],
)
def test_an_import_that_cannot_be_resolved_names_file_line_and_module(tree: Tree, source: str, expected: str) -> None:
    tree.sources({"get_it/handler.py": source})
    with pytest.raises(HarnessError, match=expected):
        tree.build()


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        ("import heavy", True),
        ("from heavy import x", True),
        ("import heavy.deep as h", True),
        ("import json, heavy", True),
        ("class A:\n    def f(self):\n        with open('x'):\n            import heavy", True),
        ("match 1:\n    case 1:\n        import heavy", True),
        ("import importlib\nh = importlib.import_module('heavy')", True),
        ("f = lambda: __import__('heavy')", True),
        ("try:\n    import heavy\nexcept ImportError:\n    heavy = None", True),
        ("try:\n    pass\nfinally:\n    import heavy", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import heavy", False),
        ("import typing\nif typing.TYPE_CHECKING:\n    import heavy\nelse:\n    import json", False),
        ("import typing as t\nif not t.TYPE_CHECKING:\n    import heavy", True),
        ("from . import other", True),
        ("from .other import heavy", True),
        ("text = 'import heavy'", False),
    ],
)
def test_which_imports_count(tree: Tree, source: str, *, counts: bool) -> None:
    tree.sources({"get_it/handler.py": source + "\n", "get_it/other.py": "import heavy\n" if "other" in source else ""})
    assert ("heavy" in tree.build()["get-it"].distributions) is counts


def test_an_optional_import_may_be_missing(tree: Tree) -> None:
    tree.sources({"get_it/handler.py": "try:\n    import no_such_thing\nexcept ImportError:\n    pass\n"})
    assert tree.build()["get-it"].distributions == ()


def test_another_computers_shared_object_is_refused_for_aws(tree: Tree) -> None:
    assert tree.build(Target.AWS)["make-pdf"].distributions == ("picture-lib", "report")
    write(tree.third_party.functions, {"picture/_c.cpython-313-aarch64-linux-gnu.so": X86_64})
    with pytest.raises(HarnessError, match=r"_c\.cpython-313.* of make-pdf is not built for arm64"):
        tree.build(Target.AWS, out="again")


def test_a_function_that_lambda_would_refuse_for_its_size_is_refused(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "UNPACKED_LIMIT", 100)
    with pytest.raises(HarnessError, match="Lambda takes less than 250 MB"):
        tree.build(Target.AWS)
    assert tree.build(Target.HOST)


def test_a_folder_without_functions_is_an_error(tree: Tree) -> None:
    with pytest.raises(HarnessError, match="has no function"):
        package.build(Target.AWS, tree.root / "out", sources=tree.root / "wheels", third_party=tree.third_party)


def test_verify_finds_what_the_source_does_not_show(tree: Tree) -> None:
    hidden = "name = 'hea' + 'vy'\n__import__(name)\ndef lambda_handler(event, context): ...\n"
    tree.sources(
        {"make_pdf/handler.py": hidden, "domain/api.py": "import boto3, power_tools, small\nfrom . import money\n"}
    )
    built = tree.build()
    package.verify(built["get-it"], PYTHON, runtime=tree.third_party.runtime)
    with pytest.raises(HarnessError, match="No module named 'heavy'"):
        package.verify(built["make-pdf"], PYTHON, runtime=tree.third_party.runtime)


def test_verify_sees_nothing_of_this_environment(tree: Tree) -> None:
    tree.sources({"get_it/handler.py": "__import__('pyt' + 'est')\ndef lambda_handler(e, c): ...\n"})
    with pytest.raises(HarnessError, match="No module named 'pytest'"):
        package.verify(tree.build()["get-it"], PYTHON, runtime=tree.third_party.runtime)


def test_locked_wheels_are_unpacked_once_and_anew_when_a_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"lambdas.txt": "a==1", "lambda-runtime.txt": "b==1"})
    calls: list[str] = []

    def install(lock: Path, to: Path, platform: object) -> None:
        del platform
        calls.append(lock.name)
        to.mkdir(parents=True)
        if len(calls) == 4:
            raise HarnessError("no network", remedy="")

    monkeypatch.setattr(wheels, "_install", install)
    get: Callable[[], Wheels] = lambda: wheels.installed(  # noqa: E731 - said four times
        platform_of(Target.AWS, None), requirements=tmp_path, folder=tmp_path / "made"
    )
    first = get()
    assert get() == first
    assert calls == ["lambdas.txt", "lambda-runtime.txt"]
    write(tmp_path, {"lambdas.txt": "a==2"})
    with pytest.raises(HarnessError, match="no network"):
        get()
    assert [path.name for path in (tmp_path / "made").iterdir() if path.name != ".lock"] == [first.key]
    second = get()
    assert second.key != first.key
    assert [path.name for path in (tmp_path / "made").iterdir() if path.name != ".lock"] == [second.key]


def test_wheels_that_cannot_be_had_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "uv"
    fake.write_text("#!/bin/sh\necho 'error: no such host' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setattr(wheels, "_uv", lambda: str(fake))
    write(tmp_path, {"lambdas.txt": "", "lambda-runtime.txt": ""})
    with pytest.raises(HarnessError, match=r"wheels of lambdas\.txt for aws-.*could not be installed:\nerror: no such"):
        wheels.installed(platform_of(Target.AWS, None), requirements=tmp_path, folder=tmp_path / "made")
