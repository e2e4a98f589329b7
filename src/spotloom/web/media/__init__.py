"""Hands out finished files: one by its id, a link to one, many as a ZIP, and their manifest."""

import datetime as dt
import time
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from stream_zip import ZIP_64, AsyncMemberFile, async_stream_zip

from spotloom.campaigns import listing
from spotloom.campaigns.listing import Combination as Listed
from spotloom.campaigns.listing.assets import Kept, asset
from spotloom.contract.campaigns import Campaign
from spotloom.contract.combinations import Combination, Link, LinkWanted
from spotloom.contract.manifest import Placed, as_csv, as_json, manifest, name_of, trouble
from spotloom.creative.naming import file_name, slug
from spotloom.creative.status import Status
from spotloom.errors import NotFound
from spotloom.media.links import signature
from spotloom.media.store import Store
from spotloom.web.door.answers import Responses, problems, shaped, takes
from spotloom.web.door.asking import (
    CampaignName,
    Editor,
    ThePace,
    TheParts,
    Viewer,
    found,
    let_in_of,
    looker,
    noted,
)
from spotloom.web.door.bodies import Body
from spotloom.web.door.kinds import CSV, JSON, liked
from spotloom.web.door.let_in import LetIn
from spotloom.web.errors import Refused
from spotloom.web.gate import Somebody
from spotloom.web.media import links
from spotloom.web.media.positions import At, Positions
from spotloom.web.media.ranges import Span, Unsatisfiable, span_of

BLOCK = 1024 * 1024
KEPT_S = 3600  # by the browser alone; a file never changes under its id
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE: Responses = {
    200: {"description": "The file.", "content": {"video/mp4": _BINARY, "image/webp": _BINARY}},
    206: {
        "description": "The part that `Range` names.",
        "content": {"video/mp4": _BINARY, "image/webp": _BINARY},
    },
    304: {"description": "It is what `If-None-Match` names."},
    **problems(404, 416),
}
_ZIP: Responses = {
    200: {"description": "The videos.", "content": {"application/zip": _BINARY}},
    **problems(404),
}

_MANIFEST: Responses = {
    200: {
        "description": "The manifest, as `spotloom make` and `spotloom export` write it.",
        "content": {
            JSON: {"schema": {"type": "object"}},
            CSV: {"schema": {"type": "string"}},
        },
    },
    **problems(404, 406),
}

routes = APIRouter(tags=["media"])


@routes.head("/api/media/{asset_id}", include_in_schema=False)
@routes.get(
    "/api/media/{asset_id}",
    operation_id="getMedia",
    response_class=StreamingResponse,
    responses=_FILE,
)
async def get_media(
    request: Request,
    somebody: Somebody,
    parts: TheParts,
    asset_id: UUID,
    exp: Annotated[int | None, Query(ge=0, le=2**53, description="Of a signed link.")] = None,
    sig: Annotated[str | None, Query(max_length=100, description="Of a signed link.")] = None,
    download: Annotated[bool, Query(description="To be saved, not shown.")] = False,
    range_: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A finished file, whole or in part; with a signed link, nobody need be signed in."""
    signed, asker = sig is not None, None
    if sig is not None:
        links.check(parts.secret, asset_id, expires=exp or 0, given=sig)
        async with parts.worker() as session:
            kept = await asset(session, asset_id, workspace_id=None)
    else:
        asked = await looker(request, somebody)
        async with asked.scope.read() as session:
            kept = await asset(session, asset_id, workspace_id=asked.actor.workspace_id)
        asker = let_in_of(parts, asked)
    etag = f'"{kept.sha256}"'
    headers = _headers(kept, etag, signed=signed, download=download)
    if if_none_match is not None and _names(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    try:
        whole_after_all = if_range is not None and if_range != etag
        span = None if whole_after_all else span_of(range_, kept.bytes)
    except Unsatisfiable:
        raise _no_such_byte(kept) from None
    return await _answered(request, parts.store, kept, span, headers, asker=asker)


@routes.post(
    "/api/media/{asset_id}/link",
    operation_id="linkMedia",
    response_model=Link,
    openapi_extra=takes(LinkWanted),
    responses=problems(404, body=True),
)
async def link_media(asked: Editor, parts: TheParts, asset_id: UUID, body: Body) -> Response:
    """A link that shows the file to whoever holds it, for at most seven days."""
    wanted = body.fit(LinkWanted)
    async with asked.scope.begin() as session:
        kept = await asset(session, asset_id, workspace_id=asked.actor.workspace_id)
        what = {"combination": kept.combination.key, "seconds": wanted.seconds}
        await noted(session, asked, "media.shared", asset_id, **what)
    expires = int(time.time()) + wanted.seconds
    sig = signature(parts.secret, asset_id, expires)
    address = parts.gate.sign_in.public_url
    return shaped(
        Link(
            url=f"{address}/api/media/{asset_id}?exp={expires}&sig={sig}",
            expires_at=dt.datetime.fromtimestamp(expires, dt.UTC),
        )
    )


@routes.get(
    "/api/campaigns/{campaign_id}/files.zip",
    operation_id="getCampaignFiles",
    response_class=StreamingResponse,
    responses=_ZIP,
)
async def get_files(
    asked: Viewer,
    parts: TheParts,
    campaign_id: CampaignName,
    key: Annotated[
        list[str] | None, Query(max_length=1000, description="Combination ids. [all]")
    ] = None,
    at: At = None,
    review: Annotated[
        Literal["none", "approved", "rejected"] | None,
        Query(description="Only videos of which this was said. [any]"),
    ] = None,
) -> StreamingResponse:
    """The campaign's finished videos as one ZIP, with a manifest of what came of each.

    They are named as `spotloom make` names them. `key`, `at` and `review` choose some of them.
    """
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)
        rows = await listing.every_combination(session, asked.actor.workspace_id, header.id)
        figures = await listing.figures(session, asked.actor.workspace_id, [header.id])
    chosen = _chosen(rows, keys=key, at=at)
    if review is not None:
        chosen = [row for row in chosen if row.review == review]
    placed = [_placed(row) for row in chosen]
    files = [
        (each.file, row.files["video"])
        for each, row in zip(placed, chosen, strict=True)
        if each.file is not None
    ]
    if not files:
        raise Refused(404, "No file yet", "None of these videos is finished.")
    told = as_json(manifest(Campaign.of(header, figures[header.id]), placed))
    zipped = async_stream_zip(
        _members(parts.store, files, told, made=header.created_at),
        chunk_size=BLOCK,
        # Videos do not get smaller; level 0 stores them, and needs no second reading for it.
        get_compressobj=lambda: zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS),
    )
    return StreamingResponse(
        let_in_of(parts, asked).while_let_in(aiter(zipped)),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{slug(header.batch_key)}.zip"'},
    )


@routes.get(
    "/api/campaigns/{campaign_id}/manifest",
    operation_id="getCampaignManifest",
    responses=_MANIFEST,
)
async def get_manifest(
    asked: Viewer,
    pace: ThePace,
    campaign_id: CampaignName,
    format: Annotated[  # noqa: A002 - the query's own name
        Literal["json", "csv"] | None,
        Query(description="Instead of `Accept`, for who cannot say that. [json]"),
    ] = None,
    accept: Annotated[str, Header(max_length=500)] = "*/*",
) -> Response:
    """What came of each video of the campaign: the `manifest.json` of its ZIP, or that as CSV."""
    kind = {None: None, "json": JSON, "csv": CSV}[format] or liked(accept, JSON, CSV)
    async with asked.scope.read() as session:
        header = await found(session, asked, campaign_id)
        rows = await listing.every_combination(session, asked.actor.workspace_id, header.id)
        figures = await listing.figures(session, asked.actor.workspace_id, [header.id])
    placed = [_placed(row) for row in rows]
    told = manifest(Campaign.of(header, figures[header.id]), placed)
    suffix, write = ("csv", as_csv) if kind == CSV else ("json", as_json)
    name = f"{slug(header.batch_key)}-manifest.{suffix}"
    return Response(
        await pace.aside(write, told),
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"},
    )


def _chosen(rows: list[Listed], *, keys: list[str] | None, at: Positions | None) -> list[Listed]:
    """Those rows that are named by key or by position; all when none is."""
    if keys is None and at is None:
        return rows
    wanted = set(keys or ())
    if missing := wanted - {row.key for row in rows}:
        raise NotFound(f"The campaign has no video {min(missing)!r}.")
    places = set() if at is None else at.among(len(rows))
    return [row for row in rows if row.key in wanted or row.position in places]


def _no_such_byte(kept: Kept) -> Refused:
    return Refused(
        416,
        "No such byte",
        f"The file has {kept.bytes:,} bytes, and none of them is in the range.",
        content_range=f"bytes */{kept.bytes}",
    )


def _placed(row: Listed) -> Placed:
    video = Combination.of(row)
    finished = video.status is Status.COMPLETED and "video" in video.files
    return Placed(video=video, file=name_of(video) if finished else None, trouble=trouble(video))


async def _members(
    store: Store, files: list[tuple[str, listing.File]], told: bytes, *, made: dt.datetime
) -> AsyncIterator[AsyncMemberFile]:
    for name, file in files:
        yield name, made, 0o644, ZIP_64, _blocks(store, file.uri, Span(0, file.bytes))
    # The manifest last: who finds it finds everything it names.
    yield "manifest.json", made, 0o644, ZIP_64, _once(told)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _blocks(store: Store, key: str, span: Span) -> AsyncIterator[bytes]:
    for start in range(span.start, span.end, BLOCK):
        yield await store.read_range(key, start, min(start + BLOCK, span.end))


async def _answered(
    request: Request,
    store: Store,
    kept: Kept,
    span: Span | None,
    headers: dict[str, str],
    *,
    asker: LetIn | None,
) -> Response:
    """The file, for as long as the asker is let in; None has a signed link."""
    whole = span or Span(0, kept.bytes)
    headers["Content-Length"] = str(whole.end - whole.start)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{kept.bytes}"
    status = 200 if span is None else 206
    if request.method == "HEAD":
        return Response(None, status, headers=headers, media_type=kept.content_type)
    # The first block now: a file that is gone is a 404, and not an answer that breaks off.
    first = Span(whole.start, min(whole.start + BLOCK, whole.end))
    head = await store.read_range(kept.uri, first.start, first.end)

    async def body() -> AsyncIterator[bytes]:
        yield head
        async for block in _blocks(store, kept.uri, Span(first.end, whole.end)):
            yield block

    blocks = body() if asker is None else asker.while_let_in(body())
    return StreamingResponse(blocks, status, headers=headers, media_type=kept.content_type)


def _headers(kept: Kept, etag: str, *, signed: bool, download: bool) -> dict[str, str]:
    how = "attachment" if download else "inline"
    suffix = kept.content_type.rpartition("/")[2]
    name = file_name(kept.combination, suffix=suffix)  # letters, digits, '-', '_' and '.' alone
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={KEPT_S}",
        "Content-Disposition": f'{how}; filename="{name}"',
    }
    if signed:  # it may stand in a page of somebody else's
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return headers


def _names(if_none_match: str, etag: str) -> bool:
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return "*" in given or etag in given
