"""The inputs, outputs and resources in every module's README, generated from the module's Terraform files."""

from collections.abc import Iterator
from pathlib import Path

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.terraform.module import Module, Variable, read

BEGIN = "<!-- BEGIN inputs and outputs -->"
END = "<!-- END inputs and outputs -->"
MODULES = ROOT / "modules"


def refresh(modules: Path = MODULES, *, write: bool = True) -> list[Path]:
    """Bring the modules' READMEs up to date.

    Args:
        modules: The folder of the modules.
        write: Whether to write; otherwise they are only compared.

    Returns:
        The READMEs that were out of date.

    Raises:
        HarnessError: A module has no README, or its README has no markers.
    """
    stale = []
    for folder in sorted(path for path in modules.iterdir() if path.is_dir()):
        readme = folder / "README.md"
        current = readme.read_text(encoding="utf-8") if readme.is_file() else ""
        updated = with_description(current, readme, read(folder))
        if updated != current:
            stale.append(readme)
            if write:
                readme.write_text(updated, encoding="utf-8")
    return stale


def with_description(text: str, readme: Path, module: Module) -> str:
    """A README's text with a new generated part between its markers.

    Raises:
        HarnessError: It has no markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise HarnessError(
            f"{readme} has no markers for the generated part.", remedy=f"Add the lines {BEGIN} and {END} to it."
        )
    return f"{before}{BEGIN}\n\n{description(module)}\n\n{END}{after}"


def description(module: Module) -> str:
    """The generated part of a module's README."""
    parts = ["\n".join(_inputs(module)), "\n".join(_outputs(module)), "\n".join(_resources(module))]
    return "\n\n".join(part for part in parts if part)


def _inputs(module: Module) -> Iterator[str]:
    yield "## Inputs\n"
    yield "| Name | Type | Default | Meaning |\n| --- | --- | --- | --- |"
    for variable in module.variables.values():
        default = "required" if variable.default is None else f"`{_line(variable.default)}`"
        yield f"| `{variable.name}` | `{_short(variable)}` | {default} | {_cell(variable.description)} |"
    objects = [variable for variable in module.variables.values() if any(True for _ in variable.type.leaves())]
    if objects:
        yield "\nAttributes of the objects (`*`: any key or element):\n"
    for variable in objects:
        attributes = ", ".join(
            f"`{'.'.join(path)}` {kind.kind}{'' if default is None else f' = `{_line(default)}`'}"
            for path, kind, default in variable.type.leaves()
        )
        yield f"- **{variable.name}**: {attributes}"


def _outputs(module: Module) -> Iterator[str]:
    outputs = module.of("output")
    if not outputs:
        return
    yield "## Outputs\n"
    yield "| Name | Meaning |\n| --- | --- |"
    for block in sorted(outputs, key=lambda output: output.name):
        meaning = block.attributes.get("description")
        secret = " Sensitive." if "sensitive" in block.attributes else ""
        yield f"| `{block.name}` | {_cell((meaning.string if meaning else None) or '')}{secret} |"


def _resources(module: Module) -> Iterator[str]:
    blocks = [(f"{block.labels[0]}.{block.name}", block) for block in module.of("resource")]
    blocks += [(f"module.{block.name}", block) for block in module.of("module")]
    if not blocks:
        return
    yield "## Resources\n"
    yield "| Address | Created | In |\n| --- | --- | --- |"
    for address, block in sorted(blocks, key=lambda pair: pair[0]):
        how = (
            "for each"
            if "for_each" in block.attributes
            else "conditionally"
            if "count" in block.attributes
            else "always"
        )
        source = block.attributes.get("source")
        name = (source.string or "").removeprefix("../") if source else ""
        called = f" ([{name}](../{name}/))" if name else ""
        yield f"| `{address}`{called} | {how} | [{block.file.name}]({block.file.name}) |"


def _short(variable: Variable) -> str:
    """A type in a few characters: the attributes of objects are listed below the table."""
    text = _line(variable.type_text)
    inner = variable.type
    while inner.item:
        inner = inner.item
    return f"{text.partition('(')[0]}(…)" if inner.kind == "object" else text


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
