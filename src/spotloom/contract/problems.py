"""What is wrong with a request, as RFC 9457 lays it out."""

from pydantic import Field

from spotloom.contract.shapes import Told

MEDIA_TYPE = "application/problem+json"


class FieldProblem(Told):
    """One thing wrong with one field."""

    field: str = Field(examples=["formData.dimensions.mood[0]"])
    message: str = Field(examples=["“happy” is not an option. Allowed: wholesome or intense."])


class ProblemDetails(Told):
    """Why the request was not carried out, and what to change."""

    type: str = Field(
        description="Names the kind of problem, for programs.",
        examples=["urn:spotloom:problem:brief"],
    )
    title: str = Field(examples=["The brief needs a change"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The brief has 1 problem."])
    errors: list[FieldProblem] = Field(default_factory=list)
    request_id: str | None = Field(
        default=None, description="Name it when you ask for help: the log has the reason."
    )
