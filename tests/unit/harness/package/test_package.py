"""Each function's zip has what the function imports and nothing else, with the same bytes every time."""

import json
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
    """Write the files of an unpacked, made-up wheel."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    metadata = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{metadata}",
        f"{info}/INSTALLER": "uv",
        f"{info}/licenses/LICENSE": "a licence",
    }
    write(folder, {**files, f"{info}/RECORD": "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])})


@dataclass
class Checkout:
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
        return {artifact.function: artifact for artifact in built}

    def names(self, function: str) -> list[str]:
        with zipfile.ZipFile(self.build()[function].path) as opened:
            return opened.namelist()


@pytest.fixture
def tree(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path)
    functions, runtime = checkout.third_party.functions, checkout.third_party.runtime
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
    checkout.sources(
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
    return checkout


def test_every_folder_with_a_handler_is_a_function(tree: Checkout) -> None:
    functions = package.functions(tree.root / "lambdas")

    assert [function.name for function in functions] == ["get-it", "make-pdf"]
    assert functions[0].handler == "get_it.handler.lambda_handler"


def test_a_zip_has_what_the_function_imports_and_nothing_else(tree: Checkout) -> None:
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


def test_an_import_inside_a_function_counts_and_brings_shared_libraries(tree: Checkout) -> None:
    names = tree.names("make-pdf")

    assert {"report/__init__.py", "picture/__init__.py", "picture_lib.libs/z.so.1", "domain/pdf.py"} <= set(names)
    assert "power_tools/__init__.py" not in names


def test_files_of_the_function_ship_but_caches_and_hidden_ones_do_not(tree: Checkout) -> None:
    ours = [name for name in tree.names("make-pdf") if name.startswith("make_pdf/")]

    assert ours == ["make_pdf/__init__.py", "make_pdf/fonts/Font.ttf", "make_pdf/handler.py"]


def test_what_the_runtime_brings_is_not_shipped_even_when_a_distribution_requires_it(tree: Checkout) -> None:
    assert not [name for name in tree.names("get-it") if name.startswith(("boto3", "botocore"))]


def test_only_requested_extras_bring_distributions(tree: Checkout) -> None:
    assert tree.build()["get-it"].distributions == ("power-tools", "small", "trace")


def test_a_bill_of_materials_lies_beside_each_zip(tree: Checkout) -> None:
    built = tree.build()["get-it"]

    bill = json.loads(built.path.with_suffix(".cdx.json").read_text(encoding="utf-8"))

    assert {component["name"] for component in bill["components"]} == set(built.distributions) != set()
    assert bill["metadata"]["component"]["hashes"][0]["content"] == built.sha256


def test_a_missing_bill_of_materials_is_written_again(tree: Checkout) -> None:
    bill = tree.build()["get-it"].path.with_suffix(".cdx.json")
    written = bill.read_bytes()
    bill.unlink()

    tree.build()

    assert bill.read_bytes() == written


def test_a_function_that_is_gone_leaves_no_bill_of_materials(tree: Checkout) -> None:
    bill = tree.build()["get-it"].path.with_suffix(".cdx.json")
    (tree.root / "lambdas/get_it/handler.py").unlink()

    tree.build()

    assert not bill.exists()


def test_the_bytes_do_not_depend_on_folder_umask_time_zone_or_locale(tree: Checkout, tmp_path: Path) -> None:
    program = (
        "import os, sys; os.umask(int(sys.argv[3], 8)); from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
        "sys.path.insert(0, sys.argv[4]); from test_package import Checkout; "
        "[print(a.function, a.sha256) for a in Checkout(Path(sys.argv[2])).build(out=sys.argv[5]).values()]"
    )
    copy = tmp_path / "elsewhere" / "with a space"
    subprocess.run(["/bin/cp", "-R", str(tree.root), str(tmp_path.parent / "copy")], check=True)
    copy.parent.mkdir()
    (tmp_path.parent / "copy").rename(copy)
    for file in copy.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    outputs = []
    for folder, umask, zone, language in ((tree.root, "022", "UTC", "C"), (copy, "077", "Asia/Tokyo", "tr_TR.UTF-8")):
        env = {"PATH": os.defpath, "TZ": zone, "LC_ALL": language, "PYTHONHASHSEED": umask}
        command = [str(PYTHON), "-B", "-c", program, str(ROOT), str(folder), umask, str(Path(__file__).parent), "o"]
        ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        outputs.append(ended.stdout)

    assert outputs[0] == outputs[1]
    for name in ("get-it", "make-pdf"):
        assert (tree.root / "o" / f"{name}.zip").read_bytes() == (copy / "o" / f"{name}.zip").read_bytes()


def test_entries_have_one_time_and_plain_modes(tree: Checkout) -> None:
    with zipfile.ZipFile(tree.build()["make-pdf"].path) as opened:
        entries = opened.infolist()

    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    modes = {entry.filename: oct(entry.external_attr >> 16) for entry in entries}
    assert modes["make_pdf/handler.py"] == "0o100644"
    assert modes["picture_lib.libs/z.so.1"] == "0o100755"


def test_an_artifact_has_its_sizes_and_checksum(tree: Checkout) -> None:
    artifact = tree.build()["get-it"]

    with zipfile.ZipFile(artifact.path) as opened:
        assert artifact.unpacked_bytes == sum(entry.file_size for entry in opened.infolist())
    assert artifact.size_bytes == artifact.path.stat().st_size
    assert artifact.path == tree.root / "out" / "get-it.zip"
    assert len(artifact.sha256) == 64


def test_an_unchanged_function_is_not_built_again(tree: Checkout) -> None:
    first = tree.build()
    tree.sources({"domain/pdf.py": "from report import Canvas\nSIZE = 1\n"})
    second = tree.build()

    assert second["get-it"] == replace(first["get-it"], reused=True)
    assert not second["make-pdf"].reused
    assert second["make-pdf"].sha256 != first["make-pdf"].sha256


def test_a_damaged_zip_is_built_again(tree: Checkout) -> None:
    first = tree.build()["get-it"]
    first.path.write_bytes(b"damaged")

    assert tree.build()["get-it"] == first


def test_the_zip_of_a_function_that_no_longer_exists_is_removed(tree: Checkout) -> None:
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
def test_an_import_that_cannot_be_resolved_names_file_line_and_module(
    tree: Checkout, source: str, expected: str
) -> None:
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
def test_which_imports_count(tree: Checkout, source: str, *, counts: bool) -> None:
    tree.sources({"get_it/handler.py": source + "\n", "get_it/other.py": "import heavy\n" if "other" in source else ""})

    assert ("heavy" in tree.build()["get-it"].distributions) is counts


def test_an_optional_import_may_be_missing(tree: Checkout) -> None:
    tree.sources({"get_it/handler.py": "try:\n    import no_such_thing\nexcept ImportError:\n    pass\n"})

    assert tree.build()["get-it"].distributions == ()


def test_a_shared_object_for_another_machine_is_an_error_for_aws(tree: Checkout) -> None:
    assert tree.build(Target.AWS)["make-pdf"].distributions == ("picture-lib", "report")

    write(tree.third_party.functions, {"picture/_c.cpython-313-aarch64-linux-gnu.so": X86_64})
    with pytest.raises(HarnessError, match=r"_c\.cpython-313.* of make-pdf is not built for arm64"):
        tree.build(Target.AWS, out="again")


def test_a_function_that_is_too_large_for_lambda_is_an_error(tree: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "UNPACKED_LIMIT", 100)

    with pytest.raises(HarnessError, match="Lambda takes less than 250 MB"):
        tree.build(Target.AWS)
    assert tree.build(Target.HOST)


def test_a_folder_without_functions_is_an_error(tree: Checkout) -> None:
    with pytest.raises(HarnessError, match="has no function"):
        package.build(Target.AWS, tree.root / "out", sources=tree.root / "wheels", third_party=tree.third_party)


def test_verify_finds_imports_that_the_source_does_not_show(tree: Checkout) -> None:
    hidden = "name = 'hea' + 'vy'\n__import__(name)\ndef lambda_handler(event, context): ...\n"
    tree.sources(
        {"make_pdf/handler.py": hidden, "domain/api.py": "import boto3, power_tools, small\nfrom . import money\n"}
    )
    built = tree.build()

    package.verify(built["get-it"], PYTHON, runtime=tree.third_party.runtime)
    with pytest.raises(HarnessError, match="No module named 'heavy'"):
        package.verify(built["make-pdf"], PYTHON, runtime=tree.third_party.runtime)


def test_verify_does_not_see_this_environments_packages(tree: Checkout) -> None:
    tree.sources({"get_it/handler.py": "__import__('pyt' + 'est')\ndef lambda_handler(e, c): ...\n"})

    with pytest.raises(HarnessError, match="No module named 'pytest'"):
        package.verify(tree.build()["get-it"], PYTHON, runtime=tree.third_party.runtime)


def test_locked_wheels_are_unpacked_once_and_again_when_a_lock_changes(
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
    get: Callable[[], Wheels] = lambda: wheels.installed(  # noqa: E731 - called four times
        platform_of(Target.AWS, None), requirements=tmp_path, folder=tmp_path / "wheels"
    )

    first = get()
    assert get() == first
    assert calls == ["lambdas.txt", "lambda-runtime.txt"]
    write(tmp_path, {"lambdas.txt": "a==2"})
    with pytest.raises(HarnessError, match="no network"):
        get()
    assert [path.name for path in (tmp_path / "wheels").iterdir() if path.name != ".lock"] == [first.key]
    second = get()
    assert second.key != first.key
    assert [path.name for path in (tmp_path / "wheels").iterdir() if path.name != ".lock"] == [second.key]


def test_wheels_that_cannot_be_fetched_are_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "uv"
    fake.write_text("#!/bin/sh\necho 'error: no such host' >&2\nexit 2\n")
    fake.chmod(0o755)
    monkeypatch.setattr(wheels, "_uv", lambda: str(fake))
    write(tmp_path, {"lambdas.txt": "", "lambda-runtime.txt": ""})

    with pytest.raises(HarnessError, match=r"wheels of lambdas\.txt for aws-.*could not be installed:\nerror: no such"):
        wheels.installed(platform_of(Target.AWS, None), requirements=tmp_path, folder=tmp_path / "wheels")
