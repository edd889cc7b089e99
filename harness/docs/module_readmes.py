"""The inputs, outputs and resources in every module's README, made from the module itself."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.terraform.module import Module, Variable, read

BEGIN = "<!-- BEGIN inputs and outputs -->"
END = "<!-- END inputs and outputs -->"
MODULES = ROOT / "modules"


def refresh(modules: Path = MODULES, *, write: bool = True) -> list[Path]:
    """Bring the READMEs up to date.

    Args:
        modules: The folder of the modules.
        write: Whether to write; otherwise they are only compared.

    Returns:
        The READMEs that were out of date.

    Raises:
        HarnessError: A module has no README, or its README has no markers.
    """
    stale = []
    for folder in sorted(one for one in modules.iterdir() if one.is_dir()):
        readme = folder / "README.md"
        current = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        wanted = renewed(current, readme, read(folder))
        if wanted != current:
            stale.append(readme)
            if write:
                readme.write_text(wanted, encoding="utf-8")
    return stale


def renewed(text: str, readme: Path, module: Module) -> str:
    """A README's text with what stands between the markers made anew.

    Raises:
        HarnessError: It has no markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise HarnessError(
            f"{readme} has no markers for the generated part.", remedy=f"Put the lines {BEGIN} and {END} into it."
        )
    return f"{before}{BEGIN}\n\n{described(module)}\n\n{END}{after}"


def described(module: Module) -> str:
    """Everything generated about a module."""
    parts = ["\n".join(_inputs(module)), "\n".join(_outputs(module)), "\n".join(_resources(module))]
    return "\n\n".join(part for part in parts if part)


def _inputs(module: Module) -> Iterator[str]:
    yield "## Inputs\n"
    yield "| Name | Type | Default | Meaning |\n| --- | --- | --- | --- |"
    for one in module.variables.values():
        default = "required" if one.default is None else f"`{_line(one.default)}`"
        yield f"| `{one.name}` | `{_short(one)}` | {default} | {_cell(one.description)} |"
    composed = [one for one in module.variables.values() if any(True for _ in one.type.leaves())]
    if composed:
        yield "\nAttributes of the composed ones (`*`: any key or element):\n"
    for one in composed:
        attributes = ", ".join(
            f"`{'.'.join(path)}` {kind.kind}{'' if default is None else f' = `{_line(default)}`'}"
            for path, kind, default in one.type.leaves()
        )
        yield f"- **{one.name}**: {attributes}"


def _outputs(module: Module) -> Iterator[str]:
    outputs = module.of("output")
    if not outputs:
        return
    yield "## Outputs\n"
    yield "| Name | Meaning |\n| --- | --- |"
    for block in sorted(outputs, key=lambda one: one.name):
        description = block.attributes.get("description")
        secret = " Sensitive." if "sensitive" in block.attributes else ""
        yield f"| `{block.name}` | {_cell((description.string if description else None) or '')}{secret} |"


def _resources(module: Module) -> Iterator[str]:
    made = [(f"{block.labels[0]}.{block.name}", block) for block in module.of("resource")]
    made += [(f"module.{block.name}", block) for block in module.of("module")]
    if not made:
        return
    yield "## Resources\n"
    yield "| Address | Made | In |\n| --- | --- | --- |"
    for address, block in sorted(made, key=lambda one: one[0]):
        how = (
            "for each"
            if "for_each" in block.attributes
            else "if asked for"
            if "count" in block.attributes
            else "always"
        )
        source = block.attributes.get("source")
        name = (source.string or "").removeprefix("../") if source else ""
        called = f" ([{name}](../{name}/))" if name else ""
        yield f"| `{address}`{called} | {how} | [{block.file.name}]({block.file.name}) |"


def _short(one: Variable) -> str:
    """A type in a few characters: what an object or a map of them is made of stands below the table."""
    text = _line(one.type_text)
    inner = one.type
    while inner.item:
        inner = inner.item
    return f"{text.partition('(')[0]}(…)" if inner.kind == "object" else text


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
