"""The rules of one Python file: each takes its text and yields `line: what is wrong`."""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator

MODULE_LINES, FUNCTION_LINES, ROOM_MODULES = 400, 50, 12
REFUSED_MODULES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
# Only words that mean nothing else here; "payload" is also what PostgreSQL's NOTIFY carries.
REFUSED_WORDS = {"combo", "combos", "util", "utils", "helper", "helpers", "misc"}
TOP = re.compile(r"#.*\btop of (?:the|this|a) (?:process|task|job)[:;,] \w")

Function = ast.FunctionDef | ast.AsyncFunctionDef
parsed = functools.cache(ast.parse)


def opens_with_one_sentence(text: str) -> Iterator[str]:
    """A module's docstring begins with one sentence that says what the module is for."""
    opening = (ast.get_docstring(parsed(text)) or "").split("\n\n")[0]
    if not opening.rstrip().endswith((".", "…")) or re.search(r"[.!?]\s+[A-Z]", opening):
        yield f"1: open with one sentence, not {opening!r}"


def is_short(text: str) -> Iterator[str]:
    """A module, and each function without its docstring, stays within its budget."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES:
        yield f"1: {lines} lines, at most {MODULE_LINES}; cut along a meaning"
    for node in ast.walk(parsed(text)):
        if isinstance(node, Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if length > FUNCTION_LINES:
                yield f"{node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES}"


def _docstring_lines(node: Function) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def documents_what_is_public(text: str) -> Iterator[str]:
    """Public functions and classes of a module carry a docstring."""
    for node in parsed(text).body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield f"{node.lineno}: {node.name} has no docstring"


def gives_reasons_for_exceptions(text: str) -> Iterator[str]:
    """A silenced tool is told which rule, and the reader why: beside it or in the line above."""
    above = ""
    for line, comment in _comments(text):
        silenced = re.match(r"#\s*(type:\s*ignore|noqa)(?P<rest>.*)", comment)
        if silenced:
            code = re.match(r"(\[[\w\-, ]+\]|: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)", silenced["rest"])
            reason = silenced["rest"][code.end() :] if code else ""
            if code is None:
                yield f"{line}: give the rule's code: {comment}"
            elif not re.search(r"[a-z]{3}", reason + above):
                yield f"{line}: say why: {comment}"
        standalone = text.splitlines()[line - 1].lstrip().startswith("#")
        above = comment if standalone and not silenced else ""


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            # One comment may silence two tools.
            for part in re.split(r"(?=#\s*(?:type:\s*ignore|noqa))", token.string):
                if part:
                    yield token.start[0], part


def catches_narrowly(text: str) -> Iterator[str]:
    """Every error is caught only at the top of a process, or to be raised again."""
    lines = text.splitlines()
    for node in ast.walk(parsed(text)):
        if not _catches_everything(node) or _raises_again(node):
            continue
        line: int = node.lineno  # type: ignore[attr-defined]  # only nodes with a place get here
        if not TOP.search(lines[line - 1]):
            yield f"{line}: catch narrowly, or say `# top of the process: why`"


def _catches_everything(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(type=None):
            return True
        case ast.ExceptHandler(type=ast.expr() as caught):
            return _names_everything(caught)
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            return any(map(_names_everything, node.args))
    return False


def _names_everything(caught: ast.expr) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(n, ast.Name) and n.id in {"Exception", "BaseException"} for n in names)


def _raises_again(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def uses_one_word_per_thing(text: str) -> Iterator[str]:
    """Names that are defined here use the words of the house."""
    for node in ast.walk(parsed(text)):
        for name in _defined(node):
            words = set(re.findall(r"[A-Z]?[a-z]+", name.replace("_", " ")))
            for word in sorted({w.lower() for w in words} & REFUSED_WORDS):
                yield f"{getattr(node, 'lineno', 1)}: {name}: {word!r} is not a word of this house"


def _defined(node: ast.AST) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return [name]
    return []
