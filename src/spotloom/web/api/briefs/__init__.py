"""Briefs before they are ordered: kept as templates, read from files and written to them."""

from spotloom.web.api.briefs import files, templates

routes = (files.routes, templates.routes)
