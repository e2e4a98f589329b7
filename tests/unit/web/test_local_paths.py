"""After a sign-in one goes on to a page of ours, whatever the address says."""

import pytest

from spotloom.web.sign_in.oidc import HOME, local_path


@pytest.mark.parametrize("path", ["/", "/campaigns/1?x=y", "/sign-in/done", "/a//b"])
def test_a_page_of_ours_is_kept(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(None, "", "x", "//evil.example", "/\\evil.example", "https://evil.example"),
        *("/\tevil", "/a\nb", "/a b", "/\x00", "javascript:alert(1)", "/a\\b", "/ä", "/" * 2),
        "/" + "a" * 600,
    ],
)
def test_anything_else_leads_home(path):
    assert local_path(path) == HOME
