"""The pages keep what their Content-Security-Policy promises, before a browser has to."""

import re

import pytest
from tests.house import tree

WEB = tree.ROOT / "src" / "spotloom" / "web"
TEMPLATES = sorted((WEB / "templates").glob("**/*.html"))
SCRIPTS = sorted(p for p in (WEB / "static").glob("**/*.js") if "vendor" not in p.parts)
FOREIGN = re.compile(
    r"""["'(]\s*(?:https?:)?//(?!www\.w3\.org/)[a-z0-9.-]+\.[a-z]""", re.IGNORECASE
)


def _name(path):
    return str(path.relative_to(WEB))


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS], ids=_name)
def test_no_page_has_inline_style_or_an_address_elsewhere(path):
    text = path.read_text()
    assert not re.search(r"""\sstyle=["'$]""", text)
    assert not re.search(r"""\son[a-z]+=["']""", text)
    assert not FOREIGN.search(text)


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_no_template_has_a_script_in_it(path):
    for tag in re.findall(r"<script[^>]*>", path.read_text()):
        assert "src=" in tag or 'type="application/json"' in tag, tag


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_names_modules_with_all_that_they_import(path):
    assert 'type="module"' not in path.read_text(), "say {{ modules(…) }}"


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_a_script_says_what_it_is_for_and_is_short(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// "), "open with one sentence"
    assert len(lines) <= 400
    assert max(map(len, lines)) <= 180
