"""The rooms of the house: who may import whom, and one name for one idea."""

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROOMS = (
    (
        "version",
        "errors",
        "plain_files",
        "run_paths",
        "files",
        "progress",
        "evaluation_parts",
        "metrics",
        "migration",
        "name_clash",
        "provenance",
        "reuse",
        "run_folder",
        "sealed_json",
        "seals",
    ),
    ("config",),
    ("data",),
    ("dynamics",),
    ("model",),
    ("loss",),
    ("training",),
    ("uncertainty",),
    ("assimilation",),
    ("planning",),
    ("baselines",),
    ("evaluation",),
    ("surrogate",),
    ("report",),
    ("experiment",),
    ("benchmarks",),
    ("cli", "__main__", "__init__"),
)
"""In reading order: a room imports only itself and rooms above it, and ``simulations``."""

LONG_FILES = {
    "simulations/base.py": "the base of all simulations: one interface, its checks and its fluxes",
    "simulations/pseudospectral.py": "the pseudo-spectral solver",
    "sciwm/model/spaces/spectral.py": "the spectral space and the maps that commute with translation",
    "simulations/shapes.py": "every shape of actuators, one function each",
    "sciwm/surrogate/surrogate.py": "the face for scientists: six verbs",
}
"""Files above 280 lines, and why each is one idea."""


def test_rooms_import_only_rooms_above() -> None:
    rank = {room: i for i, rooms in enumerate(ROOMS) for room in rooms}
    rank |= {
        public: rank["__init__"] for public in ("Surrogate", "evaluate", "fit", "load", "InputError", "__version__")
    }
    upward = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("sciwm")
        for name in imported(path)
        if name.startswith("sciwm.") and rank[name.split(".")[1]] > rank[room_of(path)]
    }
    assert not upward


def test_files_are_read_before_they_are_understood_and_understood_before_they_are_cut() -> None:
    """Inside ``sciwm.data.source``: a room imports only rooms to its left."""
    rank = {f"sciwm.data.source.{room}": i for i, room in enumerate(("files", "meaning", "rows"))}
    rightward = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("sciwm/data/source")
        if (own := rank.get(dotted(path.parent))) is not None
        for name in imported(path)
        if rank.get(".".join(name.split(".")[:4]), own) > own
    }
    assert not rightward


def room_of(path: Path) -> str:
    """The folder or the file directly below ``sciwm``."""
    return path.relative_to(ROOT / "sciwm").parts[0].removesuffix(".py")


def test_simulations_know_nothing_of_learning() -> None:
    for path in modules("simulations"):
        assert not any(name.split(".")[0] == "sciwm" for name in imported(path)), path


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Packages count too: their tables of contents import their modules. ``CycleError`` names the circle."""
    names = {dotted(path): path for package in ("sciwm", "simulations") for path in modules(package)}
    graph = {
        name: {other for other in imported(path) if other in names and other != name and not inside(name, other)}
        for name, path in names.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_modules_import_siblings_and_not_the_table_of_contents_above_them() -> None:
    """The package's table of contents imports them: it would work by the order of its lines alone."""
    wrong = {
        f"{path.relative_to(ROOT)} imports from {node.module}"
        for package in ("sciwm", "simulations")
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module != "sciwm"
        if inside(dotted(path), node.module) and not any(submodule(node.module, a.name) for a in node.names)
    }
    assert not wrong


def submodule(package: str, name: str) -> bool:
    """Whether a package has a module or a package of that name."""
    place = ROOT.joinpath(*package.split("."), name)
    return place.is_dir() or place.with_suffix(".py").exists()


def inside(name: str, package: str) -> bool:
    """Whether a module lies in a package, which is imported before it in any case."""
    return name.startswith(f"{package}.")


def test_nothing_is_imported_from_four_levels_down() -> None:
    """Packages export their public names: whoever is outside imports them from the package."""
    packages = {dotted(path) for path in modules("sciwm") if path.name == "__init__.py"}
    deep = {
        f"{path.relative_to(ROOT)} imports from {node.module}"
        for path in modules("sciwm")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.count(".") >= 3
        if node.module not in packages and not inside(dotted(path), node.module.rpartition(".")[0])
        if not inside(dotted(path), ".".join(node.module.split(".")[:2]))
    }
    assert not deep


def test_no_two_files_share_a_name() -> None:
    """Or one could not be told from the other in a list of open files."""
    names = Counter(p.name for package in ("sciwm", "simulations") for p in modules(package) if p.name != "__init__.py")
    assert not [name for name, count in names.items() if count > 1]


def test_long_files_are_one_idea_each() -> None:
    long = {
        str(path.relative_to(ROOT))
        for package in ("sciwm", "simulations")
        for path in modules(package)
        if len(path.read_text().splitlines()) > 280
    }
    assert long == LONG_FILES.keys(), "split it, or say in LONG_FILES why it is one idea"


def modules(package: str) -> list[Path]:
    """Every Python file of a package."""
    return sorted((ROOT / package).rglob("*.py"))


def dotted(path: Path) -> str:
    """The name by which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Modules and names that a file imports when it runs, at its top or inside a function."""
    tree = ast.parse(path.read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
