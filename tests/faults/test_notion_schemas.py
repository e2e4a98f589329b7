"""The schemas of the Notion peer are what its generator makes of the locked SDK."""

from tests.integration.notion_peer import running


def test_the_schemas_are_as_generated(tmp_path):
    folder = running.installed(tmp_path, whole=True)
    running.node(folder, "generate.mjs")
    assert (folder / "schemas.json").read_text() == (running.HERE / "schemas.json").read_text()
