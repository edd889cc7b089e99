"""The picture of an environment: its modules as boxes, and arrows from each to those that it refers to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import igraph

from harness.plan.graph import PlanGraph
from harness.plan.resource import Resource

BOX_WIDTH, BOX_HEIGHT = 220, 44
GAP_ACROSS, GAP_DOWN = 240, 26
"""Units of the picture, which are pixels at its full size."""


@dataclass(frozen=True)
class Box:
    """A module in the picture.

    Attributes:
        name: As people call it, such as ``function create-invoice``.
        resources: The addresses of its resources, by type.
        left, top: Its corner.
        needs: The names of the modules that it refers to.
    """

    name: str
    resources: Mapping[str, Sequence[str]]
    left: float
    top: float
    needs: tuple[str, ...]

    @property
    def number(self) -> int:
        """How many resources it has."""
        return sum(map(len, self.resources.values()))


@dataclass(frozen=True)
class Picture:
    """The whole picture.

    Attributes:
        environment: The live folder's name.
        boxes: The modules.
        width, height: Its size.
    """

    environment: str
    boxes: Sequence[Box]
    width: float
    height: float

    @property
    def resources(self) -> int:
        """How many resources the environment has."""
        return sum(box.number for box in self.boxes)

    @property
    def arrows(self) -> list[tuple[Box, Box]]:
        """From each box to those that it refers to."""
        by_name = {box.name: box for box in self.boxes}
        return [(box, by_name[name]) for box in self.boxes for name in box.needs]


def module_name(resource: Resource) -> str:
    """The name of the module of a resource: the innermost call and its key, such as ``function create-order``."""
    if len(resource.module) < 2:
        return "the platform itself"
    name, key = resource.module[-1]
    return name.replace("_", " ") if key is None else f"{name} {key}".replace("_", " ")


def draw(plan: PlanGraph) -> Picture:
    """Draw an environment, in layers from what refers to others to what is referred to (Sugiyama's layout).

    Args:
        plan: Of a whole environment.
    """
    resources = [resource for resource in plan.resources if not resource.data]
    by_module: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    needs: dict[str, dict[str, None]] = defaultdict(dict)
    for resource in resources:
        name = module_name(resource)
        by_module[name][resource.type].append(resource.address)
        for target in plan.refers_to(resource):
            if module_name(target) != name:
                needs[name][module_name(target)] = None
    names = sorted(by_module)
    edges = [(names.index(name), names.index(target)) for name in names for target in needs[name]]
    layout = igraph.Graph(n=len(names), edges=edges, directed=True).layout_sugiyama(hgap=1, vgap=1)
    places = [(layer, across) for across, layer in layout.coords[: len(names)]]
    rows = {layer: sorted(across for other, across in places if other == layer) for layer, _ in places}
    boxes = [
        Box(
            name,
            {kind: sorted(addresses) for kind, addresses in sorted(by_module[name].items())},
            10 + layer * (BOX_WIDTH + GAP_ACROSS),
            10 + rows[layer].index(across) * (BOX_HEIGHT + GAP_DOWN),
            tuple(sorted(needs[name])),
        )
        for name, (layer, across) in zip(names, places, strict=True)
    ]
    width = max((box.left for box in boxes), default=0) + BOX_WIDTH + 10
    height = max((box.top for box in boxes), default=0) + BOX_HEIGHT + 10
    return Picture(plan.environment, boxes, width, height)
