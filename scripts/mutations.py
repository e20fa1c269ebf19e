"""Lists small mutations of a module by its syntax tree, and applies one to the loaded module (scripts.mutate)."""

import ast
import builtins
import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

from .programs import ROOT

SWAPPED_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
# Functions and methods.
SWAPPED_FUNCTIONS = {
    "min": "max",
    "max": "min",
    "asc": "desc",
    "desc": "asc",
    "any": "all",
    "all": "any",
    "first": "last",
}
# The last parts of lookups.
SWAPPED_LOOKUPS = {"lt": "lte", "lte": "lt", "gt": "gte", "gte": "gt"}
FILTERS = {"filter", "exclude", "get", "update", "Q", "When"}
EMPTY_VALUES = {
    "bool": "False",
    "int": "0",
    "str": "''",
    "list": "[]",
    "dict": "{}",
    "set": "set()",
    "tuple": "()",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Evaluated only when the module is loaded, or only for readers.
SKIPPED = {"annotation", "returns", "decorator_list", "bases"}
BLOCKS = ("body", "orelse", "handlers", "finalbody")


def _with(node: ast.AST, **changed: Any) -> Any:
    """Return a copy of `node` with the `changed` fields."""
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **changed}), node)


def _without(values: list[Any]) -> Iterator[list[Any]]:
    return (values[:index] + values[index + 1 :] for index in range(len(values)))


def _mutate_statement(node: ast.AST, empty: str) -> Iterator[ast.AST]:
    match node:
        case (
            ast.Expr(value=ast.Call() | ast.Await()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()])
        ):
            yield ast.copy_location(ast.Pass(), node)
        case ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield ast.copy_location(ast.Pass(), node)
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != empty:
            yield _with(node, value=ast.parse(empty, mode="eval").body)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for rest in _without([item for item in items if item.optional_vars is None]):
                kept = [item for item in items if item.optional_vars or item in rest]
                yield _with(node, items=kept) if kept else ast.If(ast.Constant(value=True), node.body, [])


def _mutate_condition(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        # Comparisons, and/or, and not have their own mutations.
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
                yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=test))
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=SWAPPED_OPERATORS[type(op)]())
            yield from (_with(node, values=rest) if rest[1:] else rest[0] for rest in _without(values))
        case ast.comprehension(ifs=ifs):
            yield from (_with(node, ifs=rest) for rest in _without(ifs))
        case ast.Compare(ops=[op]) if type(op) in SWAPPED_OPERATORS:
            yield _with(node, ops=[SWAPPED_OPERATORS[type(op)]()])
        case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
            yield operand


def _mutate_value(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(op=op) if type(op) in SWAPPED_OPERATORS:
            yield _with(node, op=SWAPPED_OPERATORS[type(op)]())
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value)):
            yield _with(node, value=value + 1)


def _mutate_call(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Attribute(attr="select_for_update", value=rows)):
            yield rows
        case ast.Call(func=ast.Attribute(attr="order_by"), args=[ast.Constant(value=str(key)), *more]):
            yield _with(node, args=[ast.Constant(key[1:] if key.startswith("-") else f"-{key}"), *more])
        case ast.Call(func=ast.Name(id="reversed"), args=[turned]):
            yield turned
        case ast.Call(func=ast.Name(id=name) as called) if name in SWAPPED_FUNCTIONS:
            yield _with(node, func=_with(called, id=SWAPPED_FUNCTIONS[name]))
        case ast.Call(func=ast.Attribute(attr=name) as called) if name in SWAPPED_FUNCTIONS:
            yield _with(node, func=_with(called, attr=SWAPPED_FUNCTIONS[name]))


def _mutate_filter(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in FILTERS:
            yield from (_with(node, keywords=rest) for rest in _without(node.keywords))
            yield from (
                _with(node, args=rest) for rest in _without(node.args) if name in {"filter", "exclude"}
            )
        case ast.keyword(arg=str(arg)):
            start, _, end = arg.rpartition("__")
            if start and end in SWAPPED_LOOKUPS:
                yield _with(node, arg=f"{start}__{SWAPPED_LOOKUPS[end]}")


def _to_line(node: ast.AST) -> str:
    """Return the source of the node in one line, without its blocks."""
    below: Any = {name: [] for name in BLOCKS if isinstance(getattr(node, name, None), list)}
    return " ".join(ast.unparse(_with(node, **below) if below else node).split())


@dataclass
class Mutation:
    """A node of a module's syntax tree, and its replacement."""

    module: "Module"
    function: str  # "" in the module itself
    old: ast.AST
    new: ast.AST
    replace: Callable[[ast.AST], None]
    statement: ast.stmt | None  # of the module itself
    start: str = ""

    def __post_init__(self) -> None:
        if self.statement:
            self.start = _to_line(self.statement)[:40]

    @property
    def key(self) -> str:
        return (
            f"{self.module.file} {self.function or self.start}: {_to_line(self.old)} → {_to_line(self.new)}"
        )

    @property
    def line(self) -> int:
        return min(getattr(node, "lineno", 10**6) for node in ast.walk(self.old))

    def apply(self) -> bool:
        """Change the loaded module, also for later reloads; return False when that is impossible."""
        self.replace(self.new)
        return self.module.install(self.statement)


class Module:
    """A file of the product or, with "file:function,Class.method", some of its functions."""

    def __init__(self, target: str) -> None:
        self.file, _, names = target.partition(":")
        self._path = str(ROOT / self.file)
        self._names = names.split(",") if names else []
        self._tree = ast.parse((ROOT / self.file).read_text())

    def functions(self, owner: Any = None, start: str = "") -> Iterator[tuple[str, Any]]:
        """Yield the name and node of each chosen function and method."""
        for node in (owner or self._tree).body:
            name = f"{start}{getattr(node, 'name', '')}"
            if isinstance(node, ast.ClassDef):
                yield from self.functions(node, f"{name}.")
            elif isinstance(node, FUNCTIONS) and (not self._names or {name, start[:-1]} & set(self._names)):
                yield name, node

    def list_mutations(self) -> Iterator[Mutation]:
        """Yield all mutations of its functions and of its assignments at module level."""
        for name, function in self.functions():
            kind = ast.unparse(function.returns or ast.Constant(None)).partition("[")[0]
            yield from self._below(function, name, EMPTY_VALUES.get(kind, "None"), None)
        for index, statement in enumerate(self._tree.body):
            settings = "/settings/" in self.file and not isinstance(statement, (*FUNCTIONS, ast.ClassDef))
            if not self._names and (settings or isinstance(statement, (ast.Assign, ast.AnnAssign))):
                yield from self._at(self._tree, "body", index, "", "None", statement)

    def _below(self, owner: ast.AST, function: str, empty: str, top: ast.stmt | None) -> Iterator[Mutation]:
        for name, value in ast.iter_fields(owner):
            for index in range(len(value) if isinstance(value, list) else 1):
                if name not in SKIPPED:
                    yield from self._at(owner, name, index, function, empty, top)

    def _at(
        self, owner: ast.AST, name: str, index: int, function: str, empty: str, top: ast.stmt | None
    ) -> Iterator[Mutation]:
        values = getattr(owner, name)
        node = values[index] if isinstance(values, list) else values
        if not isinstance(node, ast.AST) or isinstance(node, ast.arguments):
            return

        def replace(new: ast.AST) -> None:
            setattr(owner, name, [*values[:index], new, *values[index + 1 :]] if values is not node else new)

        kinds = (
            _mutate_statement(node, empty),
            _mutate_condition(node),
            _mutate_value(node),
            _mutate_call(node),
            _mutate_filter(node),
        )
        yield from (Mutation(self, function, node, new, replace, top) for found in kinds for new in found)
        yield from self._below(node, function, empty, top)

    def trace_calls(self, callback: Callable[[str], None]) -> None:
        """Make each function of this file report its name to `callback` when it is called."""
        vars(builtins)["_reached"] = callback
        for name, function in self.functions():
            function.body.insert(0, ast.parse(f"_reached({f'{self.file} {name}'!r})").body[0])
        self.install(None)

    def install(self, statement: ast.stmt | None) -> bool:
        """Replace the code of all loaded functions by that of the tree, also for later reloads of the file."""
        try:
            whole = compile(ast.fix_missing_locations(self._tree), self._path, "exec", dont_inherit=True)
            _mutated_code[self._path] = whole
            found = {(code.co_qualname, code.co_firstlineno): code for code in _codes(whole)}
            for function in gc.get_objects():
                if type(function) is FunctionType and function.__code__.co_filename == self._path:
                    code = function.__code__
                    function.__code__ = found.get((code.co_qualname, code.co_firstlineno), code)
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                self._repeat_assignment(statement)
        except Exception:  # noqa: BLE001 -- Python refuses this mutation
            return False
        return True

    def _repeat_assignment(self, statement: ast.stmt) -> None:
        """Repeat one assignment of the module, also for modules that imported the name."""
        code = compile(ast.Module([statement], []), self._path, "exec")
        modules = list(sys.modules.values())
        for loaded in [module for module in modules if getattr(module, "__file__", "") == self._path]:
            former = dict(vars(loaded))
            exec(code, vars(loaded))  # noqa: S102 -- our own code
            changed = {name: value for name, value in former.items() if vars(loaded)[name] is not value}
            for name, value in changed.items():
                for other in [module for module in modules if vars(module).get(name) is value]:
                    setattr(other, name, vars(loaded)[name])


def find_cache_clearers() -> list[Callable[[], None]]:
    """Return functions that clear the product's caches: cached calls would not reach their functions."""
    from core.database.compiled_queries import CompiledQuery  # noqa: PLC0415 -- only where Django is set up

    kept: list[Any] = [
        thing
        for thing in gc.get_objects()
        if type(thing) is CompiledQuery or type(thing) is type(cache(print))
    ]
    return [
        thing.clear if type(thing) is CompiledQuery else thing.cache_clear
        for thing in kept
        if type(thing) is CompiledQuery or (ROOT / thing.__module__.partition(".")[0]).is_dir()
    ]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


_mutated_code: dict[str, CodeType] = {}
_original_get_code = SourceFileLoader.get_code


def _get_code(loader: Any, fullname: str) -> CodeType | None:
    return _mutated_code.get(loader.path) or _original_get_code(loader, fullname)


SourceFileLoader.get_code = _get_code  # type: ignore[assignment, method-assign]
