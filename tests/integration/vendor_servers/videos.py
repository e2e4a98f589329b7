"""The `/v1/videos` servers of the contract suite: one class a dialect, each with its own ledger.

Written from the published sources named in docs/providers.md, not from our adapter.
"""

import email
import email.policy
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.integration.vendor_servers.wire import Answer, HTTPServer, Request, say

Job = dict[str, Any]


@dataclass(frozen=True)
class Accepting:
    """Accept the order as always, but answer so."""

    answer: Answer


@dataclass
class Files:
    video: bytes = b""
    thumbnail: bytes = b"webp"
    extra: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class VideosServer(HTTPServer):
    """The protocol as the vendor's own SDK knows it: the dialect `generic`."""

    prefix = "/v1/videos"
    page = 20  # jobs in a page when no limit is asked for

    def __init__(self, *, key: str | None = None) -> None:
        super().__init__()
        self.key = key
        self.jobs: dict[str, Job] = {}  # the ledger: what was accepted, in order
        self.orders: list[dict[str, Any]] = []  # what each accepted order said
        self.files: dict[str, Files] = defaultdict(Files)
        self.next: dict[str, deque[Answer | Accepting]] = defaultdict(deque)
        self.clock: Callable[[], float] = time.time

    # What a test does to the server

    def script(self, what: str, *answers: Answer | Accepting) -> None:
        """Answer so the next times: `create`, `get`, `list`, `content` or `delete`."""
        self.next[what].extend(answers)

    def finish(self, job: str, video: bytes = b"") -> None:
        self.jobs[job] |= {"status": "completed", "progress": 100, "completed_at": self._now()}
        self.files[job].video = video

    def fail(self, job: str, code: str | None, message: str) -> None:
        self.jobs[job] |= {"status": "failed", "error": {"code": code, "message": message}}

    @property
    def creates(self) -> list[Request]:
        return [r for r in self.seen if r.method == "POST"]

    # The protocol

    async def answer(self, request: Request) -> Answer:
        try:
            if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
                return self.error(401, f"Incorrect API key provided: {self.key}", "invalid_api_key")
            if not request.path.startswith(self.prefix):
                return self.error(404, "Not Found")
            return self._route(request, request.parts[2:])
        except Refused as refused:
            return self.error(refused.status, refused.message, refused.code)

    def _route(self, request: Request, rest: list[str]) -> Answer:
        match request.method, rest:
            case "POST", []:
                return self._scripted("create", lambda: self.create(request))
            case "GET", []:
                return self._scripted("list", lambda: self.index(request))
            case "GET", [job]:
                return self._scripted("get", lambda: self.get(self._job(job)))
            case "DELETE", [job]:
                return self._scripted("delete", lambda: self.delete(self._job(job)))
            case "GET", [job, "content"]:
                return self._scripted("content", lambda: self.content(self._job(job), request))
            case _:
                return self.error(405, "Method Not Allowed")

    def _scripted(self, what: str, usual: Callable[[], Answer]) -> Answer:
        match self.next[what].popleft() if self.next[what] else None:
            case Accepting(answer):
                usual()
                return answer
            case Answer() as answer:
                return answer
            case _:
                return usual()

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refused(404, f"Video with id '{name}' not found.")
        return self.jobs[name]

    def _now(self) -> int:
        return int(self.clock())

    def order(self, request: Request) -> dict[str, Any]:
        """What a create asks for, as this dialect reads it."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "Unsupported content type")
        fields = json.loads(request.body)
        extra = set(fields) - {"prompt", "model", "seconds", "size", "input_reference"}
        if extra:
            raise Refused(400, f"Unknown parameter: '{min(extra)}'.", "unknown_parameter")
        if not isinstance(fields.get("seconds", "4"), str):
            raise Refused(400, "Invalid type for 'seconds'.", "invalid_type")
        return fields

    def create(self, request: Request) -> Answer:
        fields = self.order(request)
        job = self.record(fields) | {"id": f"video_{len(self.jobs) + 1:04}"}
        self.orders.append(fields)
        self.jobs[job["id"]] = job
        return say(200, self.shown(job))

    def record(self, fields: dict[str, Any]) -> Job:
        return {
            "object": "video",
            "model": fields.get("model", "sora-2"),
            "status": "queued",
            "progress": 0,
            "created_at": self._now(),
            "completed_at": None,
            "expires_at": None,
            "prompt": fields["prompt"],
            "size": fields.get("size", "720x1280"),
            "seconds": str(fields.get("seconds", "4")),
            "remixed_from_video_id": None,
            "error": None,
        }

    def shown(self, job: Job) -> Job:
        return job

    def get(self, job: Job) -> Answer:
        return say(200, self.shown(job))

    def index(self, request: Request) -> Answer:
        jobs = sorted(self.jobs.values(), key=lambda j: (j["created_at"], j["id"]))
        if request.query.get("order", "desc") == "desc":
            jobs.reverse()
        if after := request.query.get("after"):
            names = [job["id"] for job in jobs]
            jobs = jobs[names.index(after) + 1 :] if after in names else []
        limit = int(request.query.get("limit", self.page))
        return say(200, self.listed([self.shown(j) for j in jobs[:limit]], more=len(jobs) > limit))

    def listed(self, jobs: list[Job], *, more: bool) -> dict[str, Any]:
        first, last = (jobs[0]["id"], jobs[-1]["id"]) if jobs else (None, None)
        return {
            "object": "list", "data": jobs, "has_more": more, "first_id": first, "last_id": last
        }  # fmt: skip

    def delete(self, job: Job) -> Answer:
        del self.jobs[job["id"]]
        return say(200, {"id": job["id"], "object": "video.deleted", "deleted": True})

    def content(self, job: Job, request: Request) -> Answer:
        if job["status"] != "completed":
            raise Refused(404, "Video is not ready yet.", "video_not_ready")
        files = self.files[job["id"]]
        match request.query.get("variant", "video"):
            case "video":
                return ranged(files.video, "video/mp4", request)
            case "thumbnail":
                return ranged(files.thumbnail, "image/webp", request)
            case _:
                raise Refused(400, "Invalid value: 'variant'.")

    def error(self, status: int, message: str, code: str | None = None) -> Answer:
        kind = "invalid_request_error" if status < 500 else "server_error"
        error = {"message": message, "type": kind, "param": None, "code": code}
        return say(status, {"error": error})


class SGLang(VideosServer):
    """SGLang Diffusion: no prompt in jobs, `detail` errors, no variants, DELETE only forgets."""

    def order(self, request: Request) -> dict[str, Any]:
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "input_reference file is required")
        return json.loads(request.body) | {}

    def shown(self, job: Job) -> Job:
        return {k: v for k, v in job.items() if k != "prompt"} | {"quality": "standard"}

    def listed(
        self,
        jobs: list[Job],
        *,
        more: bool,  # noqa: ARG002 - it tells nothing of further pages
    ) -> dict[str, Any]:
        return {"object": "list", "data": jobs}

    def fail(self, job: str, _code: str | None, message: str) -> None:
        self.jobs[job] |= {"status": "failed", "error": {"message": message}}

    def delete(self, job: Job) -> Answer:
        del self.jobs[job["id"]]
        return say(200, self.shown(job | {"status": "deleted"}))

    def content(self, job: Job, request: Request) -> Answer:
        if "variant" in request.query:
            raise Refused(404, "Video not found")
        if job["status"] != "completed":
            raise Refused(404, "Generation is still in-progress")
        return ranged(self.files[job["id"]].video, "video/mp4", request)

    def error(self, status: int, message: str, _code: str | None = None) -> Answer:
        return say(status, {"detail": message})


class VLLMOmni(VideosServer):
    """vLLM-Omni: forms only, its own model name, a failed job comes as an HTTP error."""

    served = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"

    def order(self, request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            raise Refused(422, "prompt: Field required")
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        form = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
        fields = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in form.iter_parts()
        }
        return {name: value.decode() for name, value in fields.items() if isinstance(value, bytes)}

    def record(self, fields: dict[str, Any]) -> Job:
        return super().record(fields) | {"model": self.served}

    def fail(self, job: str, _code: str | None, message: str) -> None:
        self.jobs[job] |= {"status": "failed", "error": {"code": 500, "message": message}}

    def get(self, job: Job) -> Answer:
        return say(500 if job["status"] == "failed" else 200, self.shown(job))

    def content(self, job: Job, request: Request) -> Answer:
        if job["status"] == "failed":
            raise Refused(422, "Video generation failed. Check job status for error details.")
        if job["status"] != "completed":
            raise Refused(404, "Generation is still in-progress")
        return ranged(self.files[job["id"]].video, "video/mp4", request)

    def error(self, status: int, message: str, _code: str | None = None) -> Answer:
        if status == 422 and ":" in message:
            where, _, problem = message.partition(": ")
            return say(status, {"detail": [{"loc": ["body", where], "msg": problem}]})
        return say(status, {"detail": message})


class LiteLLM(VideosServer):
    """The LiteLLM proxy: long encoded ids, no DELETE, no prompts, failures without code."""

    def create(self, request: Request) -> Answer:
        super().create(request)
        name, job = self.jobs.popitem()
        job["id"] = f"video_bGl0ZWxsbTpjdXN0b20+{name}=="
        self.jobs[job["id"]] = job
        return say(200, self.shown(job))

    def shown(self, job: Job) -> Job:
        return {k: v for k, v in job.items() if k != "prompt"} | {"model": f"azure/{job['model']}"}

    def fail(self, job: str, _code: str | None, message: str) -> None:
        self.jobs[job] |= {"status": "failed", "error": {"message": message}}

    def delete(self, _job: Job) -> Answer:
        raise Refused(405, "Method Not Allowed")

    def content(self, job: Job, _request: Request) -> Answer:
        if job["status"] != "completed":
            raise Refused(400, "litellm.BadRequestError: OpenAIException - not ready")
        whole = self.files[job["id"]].video  # it knows no ranges
        return Answer(body=whole, headers={"content-type": "video/mp4"})

    def error(self, status: int, message: str, _code: str | None = None) -> Answer:
        error = {"message": message, "type": "None", "param": "None", "code": str(status)}
        return say(status, {"error": error})


def ranged(whole: bytes, kind: str, request: Request) -> Answer:
    """The file, or the part of it that a Range header asks for."""
    asked = request.headers.get("range")
    if asked is None:
        return Answer(body=whole, headers={"content-type": kind, "accept-ranges": "bytes"})
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    if start >= len(whole):
        return Answer(status=416, headers={"content-range": f"bytes */{len(whole)}"})
    return Answer(
        status=206,
        body=whole[start:],
        headers={
            "content-type": kind,
            "content-range": f"bytes {start}-{len(whole) - 1}/{len(whole)}",
        },
    )
