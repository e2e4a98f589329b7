"""Writing a brief: what it can choose from, brief files, and the templates that are kept."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from spotloom.client.call import Call
from spotloom.client.calls import asks
from spotloom.contract.briefs import (
    BriefFile,
    BriefRead,
    BriefWritten,
    FormData,
    Template,
    TemplateEdit,
    TemplatePage,
)
from spotloom.contract.offers import Models, Vocabulary

Brief = FormData | Mapping[str, Any]


def vocabulary() -> Call[Vocabulary]:
    """The dimensions and their options, the animation styles, and the rules between them."""
    return asks.get("getVocabulary", "/api/vocabulary", Vocabulary)


def models() -> Call[Models]:
    """The models, with durations, sizes and dated prices; the default first."""
    return asks.get("getModels", "/api/models", Models)


def read_brief(yaml: str, *, name: str = "brief.yaml") -> Call[BriefRead]:
    """What the text of a brief file says, and what is wrong or missing in it; nothing is stored."""
    return asks.post("readBrief", "/api/brief/read", BriefRead, BriefFile(yaml=yaml, name=name))


def write_brief(brief: Brief) -> Call[BriefWritten]:
    """The brief as the text of a file that `spotloom make` takes."""
    body = {"formData": form_of(brief)}
    return asks.post("writeBrief", "/api/brief/write", BriefWritten, body)


def templates(*, cursor: str | None = None, limit: int = 50) -> Call[TemplatePage]:
    """A page of the templates, newest first, without their briefs."""
    query = asks.query(cursor=cursor, limit=limit)
    return asks.get("listTemplates", "/api/templates", TemplatePage, query)


def template(template: str | UUID) -> Call[Template]:
    """One template, with its brief."""
    return asks.get("getTemplate", asks.path_of("/api/templates/{}", template), Template)


def add_template(name: str, brief: Brief) -> Call[Template]:
    """Keep a brief under a name, with whatever gaps it has; Conflict when the name is taken."""
    body = {"name": name, "formData": form_of(brief)}
    return asks.post("addTemplate", "/api/templates", Template, body)


def edit_template(template: str | UUID, changes: TemplateEdit, *, version: int) -> Call[Template]:
    """Rename a template, or save another brief over it; Conflict when the name is taken.

    Stale when the version is an old one.
    """
    path = asks.path_of("/api/templates/{}", template)
    return asks.patch("editTemplate", path, Template, changes, version=version)


def delete_template(template: str | UUID, *, version: int | None = None) -> Call[None]:
    """Delete a template; campaigns that were started from it stay as they are.

    Stale when the version, if one is named, is an old one.
    """
    path = asks.path_of("/api/templates/{}", template)
    return asks.delete("deleteTemplate", path, version=version)


def form_of(brief: Brief) -> Mapping[str, Any]:
    """The brief as the API takes it, with nothing that was not said."""
    if isinstance(brief, FormData):
        return brief.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return brief
