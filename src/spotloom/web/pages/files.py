"""The pages' own files: read once, packed once, and kept by browsers until they change."""

import gzip
import mimetypes
import posixpath
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from spotloom.errors import NotFound

routes = APIRouter(include_in_schema=False)

_ROOT = Path(__file__).parents[1] / "static"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".js", ".css", ".svg"})
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    kind: str
    plain: bytes
    packed: bytes | None


def _read(path: Path) -> _File:
    plain = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return _File(kind, plain, gzip.compress(plain, 9, mtime=0) if path.suffix in _PACKED else None)


_FILES = {
    str(path.relative_to(_ROOT)): _read(path) for path in sorted(_ROOT.rglob("*")) if path.is_file()
}
# Of the whole tree, since modules name each other by relative paths: all change together.
VERSION = sha256(b"".join(name.encode() + f.plain for name, f in _FILES.items())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a browser finds the file; KeyError for one that is not there."""
    _FILES[name]
    return f"/static/{VERSION}/{name}"


# As prettier writes them; what is imported with `import(…)` is wanted later.
_IMPORT = re.compile(r"""^(?:import|export)\s(?:[^"';]*\sfrom\s)?"(\.[^"]+)";""", re.MULTILINE)


@cache
def imports(name: str) -> tuple[str, ...]:
    """All modules that this one needs before it runs, those that it names first."""
    found: dict[str, None] = {}
    new = [name]
    while new:
        new = [each for module in new for each in _named_in(module) if each not in found]
        found |= dict.fromkeys(new)
    return tuple(each for each in found if each != name)


def _named_in(module: str) -> list[str]:
    folder = posixpath.dirname(module)
    paths = _IMPORT.findall(_FILES[module].plain.decode())
    return [posixpath.normpath(posixpath.join(folder, path)) for path in paths]


def packs(request: Request) -> bool:
    """Whether the browser takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "").lower()


@routes.get("/static/{version}/{name:path}")
async def get(request: Request, version: str, name: str) -> Response:
    """The file; a page of an older release gets today's, and asks again next time."""
    file = _FILES.get(name)
    if file is None:
        raise NotFound("There is nothing at this address.")
    headers = {
        "Cache-Control": FOR_EVER if version == VERSION else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if file.packed is not None and packs(request):
        return Response(
            file.packed, media_type=file.kind, headers=headers | {"Content-Encoding": "gzip"}
        )
    return Response(file.plain, media_type=file.kind, headers=headers)
