"""A typed client of the JSON API, in a plain and in an asynchronous form.

    from spotloom.client import Client

    with Client("https://spotloom.example", key=KEY) as spotloom:
        plan = spotloom.plan(brief)
        batch = spotloom.submit(brief, batch_id="spring", plan=plan)

What goes wrong is raised as an error of `spotloom.errors`, or as a finer one of
`spotloom.client.errors`.
"""

from spotloom.client.aio import AsyncClient
from spotloom.client.events import BatchEvent
from spotloom.client.plain import Client

__all__ = ["AsyncClient", "BatchEvent", "Client"]
