"""The generated part of a module's README."""

from pathlib import Path

import pytest

from harness.docs.module_readmes import BEGIN, END, refresh
from harness.errors import HarnessError

MODULE = """
variable "rules" {
  description = "Rules, by name | label."
  type = map(object({
    days = optional(number, 7)
    name = string
  }))
  default  = {}
  nullable = false
}

variable "size" {
  description = "The size."
  type        = number
  nullable    = false
}

output "key" {
  description = "The key."
  value       = 1
  sensitive   = true
}

resource "aws_x" "one" {
  for_each = var.rules
}

module "two" {
  source = "../other"
  size   = var.size
}
"""

EXPECTED = f"""# thing

{BEGIN}

## Inputs

| Name | Type | Default | Meaning |
| --- | --- | --- | --- |
| `rules` | `map(…)` | `{{}}` | Rules, by name \\| label. |
| `size` | `number` | required | The size. |

Attributes of the objects (`*`: any key or element):

- **rules**: `*.days` number = `7`, `*.name` string

## Outputs

| Name | Meaning |
| --- | --- |
| `key` | The key. Sensitive. |

## Resources

| Address | Created | In |
| --- | --- | --- |
| `aws_x.one` | for each | [main.tf](main.tf) |
| `module.two` ([other](../other/)) | always | [main.tf](main.tf) |

{END}

What follows stays.
"""


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "main.tf").write_text(MODULE)
    return folder / "README.md"


def test_only_the_part_between_the_markers_is_written_again(readme: Path) -> None:
    readme.write_text(f"# thing\n\n{BEGIN}\nold\n{END}\n\nWhat follows stays.\n")

    assert refresh(readme.parent.parent) == [readme]
    assert readme.read_text() == EXPECTED
    assert refresh(readme.parent.parent) == []


def test_a_check_writes_nothing(readme: Path) -> None:
    readme.write_text(f"{BEGIN}\n{END}\n")

    assert refresh(readme.parent.parent, write=False) == [readme]
    assert readme.read_text() == f"{BEGIN}\n{END}\n"


def test_a_readme_without_markers_is_an_error(readme: Path) -> None:
    readme.write_text("# thing\n")

    with pytest.raises(HarnessError, match="has no markers"):
        refresh(readme.parent.parent)
