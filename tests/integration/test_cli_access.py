"""Links and keys from the command line: they let in whom they should, at a real `spotloom up`."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from tests.integration.command_line import Place, data_folder
from tests.integration.serving import serving

FIRST = re.compile(r"(http://127\.0\.0\.1:\d+)/sign-in#(\S+)")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    with data_folder() as home:
        yield Place(home=home, cwd=tmp_path_factory.mktemp("access"))


def test_the_first_start_lets_its_owner_in_and_keys_let_programs_in(place: Place) -> None:
    with serving(place) as said:
        address, secret = FIRST.findall(said)[0]
        client = httpx2.Client(base_url=address, trust_env=False, headers={"origin": address})
        with client:
            assert client.post("/auth/link", json={"secret": secret}).status_code == 200
            assert client.get("/api/session").json()["actor"]["role"] == "admin"
            assert client.post("/auth/link", json={"secret": secret}).status_code != 200
            asked = {"email": "ann@studio.example", "role": "viewer"}
            invited = client.post("/api/invitations", json=asked).json()["link"]
        another = place.run("login-link", "--url", address, "--json").json["link"]
        assert FIRST.fullmatch(another)
        told = {"secret": invited.partition("#")[2], "name": "Ann"}
        told["password"] = "blue kettle on a hill"
        joined = httpx2.post(f"{address}/auth/invitations", json=told, headers={"origin": address})
        assert joined.status_code == 200
        to_ann = place.run("login-link", "--url", address, "--email", "ann@studio.example")
        with httpx2.Client(base_url=address, trust_env=False, headers={"origin": address}) as ann:
            (found,) = FIRST.findall(to_ann.out)
            assert ann.post("/auth/link", json={"secret": found[1]}).status_code == 200
            assert ann.get("/api/session").json()["actor"]["name"] == "Ann"
        nobody = place.run("login-link", "--email", "no@body.example")
        assert nobody.code == 2
        assert "no@body.example" in nobody.err
        key = place.run("key", "create", "nightly", "--role", "editor", "--json").json["key"]
        by_key = {"Authorization": f"Bearer {key}"}
        assert httpx2.get(f"{address}/api/campaigns", headers=by_key).status_code == 200
        (listed,) = place.run("key", "list", "--json").json["keys"]
        assert (listed["name"], listed["role"]) == ("nightly", "editor")
        assert key not in str(listed)
        assert place.run("key", "revoke", listed["id"]).code == 0
        assert httpx2.get(f"{address}/api/campaigns", headers=by_key).status_code == 401


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("key", "create", "x", "--role", "owner"), "role"),
        (("key", "create", "x", "--scope", "everything"), "scopes"),
        (("key", "create", ""), "name"),
        (("key", "revoke", "nothing"), "ID"),
    ],
)
def test_what_no_key_can_be_is_named(place: Place, words: tuple[str, ...], named: str) -> None:
    said = place.run(*words)
    assert said.code == 2
    assert named in said.err
