"""harness.terraform.mirror: the mirror that has the locked provider, and the configuration that names it."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.terraform import mirror
from harness.terraform.binary import platform_name

SOURCE = "registry.terraform.io/hashicorp/aws"
AWS = mirror.LockedProvider(SOURCE, "5.100.0")
HERE = platform_name()

LOCK = f"""# checksums
provider "{SOURCE}" {{
  version     = "5.100.0"
  constraints = "~> 5.100"
  hashes = [
    "h1:abc=",
  ]
}}
"""

UNREACHABLE = (
    "Failed to query available provider packages\n  Could not retrieve the list of available versions for provider "
    "hashicorp/aws: could not connect to registry.terraform.io: no such host\n  To see which modules ..."
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HARNESS_TF_MIRROR", "HARNESS_TF_CLI_CONFIG", "XDG_DATA_HOME", "TF_CLI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    file = tmp_path / ".terraform.lock.hcl"
    file.write_text(LOCK)
    return file


def unpacked(folder: Path, version: str = "5.100.0", target: str = HERE) -> Path:
    inner = folder / SOURCE / version / target
    inner.mkdir(parents=True)
    (inner / f"terraform-provider-aws_v{version}_x5").touch()
    return folder


def packed(folder: Path, version: str = "5.100.0", target: str = HERE) -> Path:
    inner = folder / SOURCE
    inner.mkdir(parents=True)
    (inner / f"terraform-provider-aws_{version}_{target}.zip").touch()
    return folder


def test_the_lock_file_has_the_providers_and_versions(lock_file: Path) -> None:
    lock_file.write_text(LOCK + LOCK.replace("/aws", "/random").replace("5.100.0", "3.7.2"))

    assert mirror.locked_providers(lock_file) == (
        AWS,
        mirror.LockedProvider("registry.terraform.io/hashicorp/random", "3.7.2"),
    )


@pytest.mark.parametrize("text", [None, "", "# nothing locked\n"])
def test_a_lock_file_that_is_missing_or_empty_is_an_error(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "lock").write_text(text)

    with pytest.raises(HarnessError, match="missing or selects no provider"):
        mirror.locked_providers(tmp_path / "lock")


@pytest.mark.parametrize("layout", [packed, unpacked])
def test_both_layouts_are_recognised(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    folder = layout(tmp_path / "mirror")
    assert mirror.find([AWS], among=[tmp_path / "none", folder]) == folder


@pytest.mark.parametrize("layout", [packed, unpacked])
@pytest.mark.parametrize(("version", "target"), [("5.99.0", HERE), ("5.100.0", "plan9_mips"), ("6.0.0", HERE)])
def test_another_version_or_platform_does_not_count(tmp_path: Path, layout: object, version: str, target: str) -> None:
    assert callable(layout)
    assert mirror.find([AWS], among=[layout(tmp_path / "mirror", version, target)]) is None


def test_a_mirror_must_have_every_locked_provider(tmp_path: Path) -> None:
    other = mirror.LockedProvider("registry.terraform.io/hashicorp/random", "3.7.2")

    assert mirror.find([AWS, other], among=[unpacked(tmp_path / "mirror")]) is None


def test_an_empty_platform_folder_does_not_count(tmp_path: Path) -> None:
    (tmp_path / SOURCE / "5.100.0" / HERE).mkdir(parents=True)

    assert mirror.find([AWS], among=[tmp_path]) is None


def test_terraforms_own_mirror_folders_are_searched_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    home = tmp_path / "home"

    assert list(mirror.mirror_folders())[:5] == [
        home / ".terraform.d/plugins",
        tmp_path / "data/terraform/plugins",
        home / ".local/share/terraform/plugins",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
    ]
    assert all(folder.parent == Path("/opt") for folder in mirror.mirror_folders()[5:])


def test_on_a_mac_the_library_folder_is_searched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")

    assert tmp_path / "home/Library/Application Support/io.terraform/plugins" in mirror.mirror_folders()


@pytest.mark.parametrize("folder_name", [".terraform.d/plugins", ".local/share/terraform/plugins"])
def test_a_mirror_in_the_home_folder_is_found(tmp_path: Path, folder_name: str) -> None:
    folder = unpacked(tmp_path / "home" / folder_name)

    assert mirror.find([AWS]) == folder


def test_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_TF_MIRROR", str(unpacked(tmp_path / "mine")))

    assert mirror.find([AWS], among=[unpacked(tmp_path / "other")]) == tmp_path / "mine"


def test_a_variable_that_names_a_folder_without_the_provider_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_TF_MIRROR", str(unpacked(tmp_path / "mine", "5.99.0")))

    with pytest.raises(HarnessError, match=f"does not have hashicorp/aws 5.100.0 for {HERE}") as error:
        mirror.find([AWS], among=[unpacked(tmp_path / "other")])

    assert "terraform providers mirror" in error.value.remedy


def test_the_configuration_names_the_mirror_and_nothing_else_for_its_providers(lock_file: Path, tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "mir${r}or")
    config = mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[folder])

    assert config.path == tmp_path / "made" / "terraform.rc"
    assert not config.direct
    assert config.path.read_text().splitlines()[1:] == [
        "disable_checkpoint = true",
        "provider_installation {",
        "  filesystem_mirror {",
        f'    path    = "{tmp_path}/mir$${{r}}or"',
        f'    include = ["{SOURCE}"]',
        "  }",
        "  direct {",
        f'    exclude = ["{SOURCE}"]',
        "  }",
        "}",
    ]


def test_without_a_mirror_the_registry_and_a_cache_are_used(lock_file: Path, tmp_path: Path) -> None:
    config = mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[])

    assert config.direct
    text = config.path.read_text()
    assert f'plugin_cache_dir = "{tmp_path}/made/plugin-cache"' in text
    assert "direct {}" in text
    assert (tmp_path / "made/plugin-cache").is_dir()


def test_an_inherited_configuration_is_only_used_if_it_is_named_explicitly(
    lock_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    custom = tmp_path / "own.rc"
    custom.touch()
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(custom))
    assert mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[]).path != custom
    monkeypatch.setenv("HARNESS_TF_CLI_CONFIG", str(custom))
    assert mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[]).path == custom
    custom.unlink()
    with pytest.raises(HarnessError, match="is not a file"):
        mirror.write_cli_config(lock_file)


def test_neither_mirror_nor_registry_is_an_error_with_a_remedy(lock_file: Path, tmp_path: Path) -> None:
    config = mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[tmp_path / "a", tmp_path / "b"])

    error = mirror.provider_error(UNREACHABLE, config)

    assert error is not None
    assert f"searched {tmp_path}/a, {tmp_path}/b" in error.what
    assert "registry did not respond" in error.what
    assert "no such host" in error.what
    assert "HARNESS_TF_MIRROR" in error.remedy


def test_a_damaged_mirror_is_named(lock_file: Path, tmp_path: Path) -> None:
    config = mirror.write_cli_config(lock_file, folder=tmp_path / "made", among=[unpacked(tmp_path / "m")])

    error = mirror.provider_error("Failed to install provider\n  Error while installing hashicorp/aws v5.100.0", config)

    assert error is not None
    assert str(tmp_path / "m") in error.what


@pytest.mark.parametrize("output", ["Missing newline after argument", "Error loading state for hashicorp: denied"])
def test_other_failures_of_init_are_not_about_a_provider(lock_file: Path, tmp_path: Path, output: str) -> None:
    assert mirror.provider_error(output, mirror.write_cli_config(lock_file, folder=tmp_path, among=[])) is None
