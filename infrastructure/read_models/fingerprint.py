"""What the code of a read model is, in a few characters: other code, another fingerprint.

Only what the projection is made of counts: what can be reached by name from where it is defined,
in its package and in the domain, and the upcasts of its events. Comments, docstrings, layout and
the queries beside it do not.
"""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from importlib import import_module

from application.upcasts import UPCASTS
from projections.projection import Projection

# What every event is wrapped in leads to all events; those that matter are reached by themselves.
STOPS = frozenset({"domain.recorded", "domain.message"})


def fingerprint(projection: Projection) -> str:
    """That of the read model, by where it is defined in the module of its `apply`; of `apply` alone
    where that module does not define it."""
    return _fingerprint(projection)  # whoever calls what is cached is asked for no types


@cache
def _fingerprint(projection: Projection) -> str:
    module = projection.apply.__module__
    names = [name for name, value in vars(import_module(module)).items() if value is projection]
    reached: dict[tuple[str, str], str] = {}
    packages = frozenset({module.partition(".")[0], "domain"})
    _reach(module, names[0] if names else projection.apply.__name__, packages, reached)
    upcasts = [
        inspect.getsource(step) for _, event in sorted(reached) for step in UPCASTS.get(event, ())
    ]
    if not reached:
        reached[module, projection.apply.__qualname__] = inspect.getsource(projection.apply)
    text = "\n".join([*(source for _, source in sorted(reached.items())), *upcasts])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _reach(
    module: str, name: str, packages: frozenset[str], reached: dict[tuple[str, str], str]
) -> None:
    if (
        (module, name) in reached
        or module.split(".", maxsplit=1)[0] not in packages
        or module in STOPS
    ):
        return
    definitions, imports = _names(module)
    if name in imports:
        _reach(*imports[name], packages, reached)
        return
    for node in definitions.get(name, ()):
        reached[module, name] = reached.get((module, name), "") + ast.unparse(node)
        for used in _used(node):
            if isinstance(used, str):
                _reach(module, used, packages, reached)
            elif used[0] in imports:
                package, last = imports[used[0]]
                if _is_in(packages, package) and _is_module(package, last):
                    _reach(f"{package}.{last}", used[1], packages, reached)


def _used(node: ast.AST) -> Iterator[str | tuple[str, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            yield part.value.id, part.attr


def _is_in(packages: frozenset[str], module: str) -> bool:
    return module.partition(".")[0] in packages


def _is_module(package: str, last: str) -> bool:
    return inspect.ismodule(getattr(import_module(package), last))


@cache
def _names(module: str) -> tuple[dict[str, list[ast.AST]], dict[str, tuple[str, str]]]:
    """The top-level definitions of a module, and where the names come from that it imports."""
    definitions: dict[str, list[ast.AST]] = {}
    imports: dict[str, tuple[str, str]] = {}
    for node in ast.parse(inspect.getsource(import_module(module))).body:
        match node:
            case ast.ImportFrom(module=str(source), names=names):
                for alias in names:
                    imports[alias.asname or alias.name] = (source, alias.name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                definitions.setdefault(name, []).append(_bare(node))
            case ast.ClassDef(name=name):
                definitions.setdefault(name, []).append(_bare(node))
            case ast.Assign(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        definitions.setdefault(target.id, []).append(node)
            case ast.AnnAssign(target=ast.Name(id=name)):
                definitions.setdefault(name, []).append(node)
            case _:
                pass
    return definitions, imports


def _bare(node: ast.AST) -> ast.AST:
    """Without docstrings."""
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = part.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                part.body = part.body[1:] or [ast.Pass()]
    return node
