"""Each role may do what the one before it may, and a key no more than its scopes."""

from uuid import UUID

import pytest

from spotloom.auth.roles import EVERYTHING, SCOPES, Actor, KeyScope, Role


def actor(role, *scopes, key=False):
    one = UUID(int=1)
    return Actor(
        workspace_id=one,
        role=role,
        person_id=None if key else one,
        key_id=one if key else None,
        session_id=None,
        name="n",
        scopes=frozenset(scopes or {EVERYTHING}),
    )


MAY = {
    Role.VIEWER: {KeyScope.READ, KeyScope.METRICS},
    Role.EDITOR: {KeyScope.READ, KeyScope.METRICS, KeyScope.WRITE, KeyScope.SPEND},
    Role.ADMIN: set(KeyScope),
}


@pytest.mark.parametrize("role", Role)
def test_what_each_role_may(role):
    assert {scope for scope in KeyScope if actor(role).may(scope)} == MAY[role]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scope", KeyScope)
def test_a_scope_narrows_and_never_widens(role, scope):
    allowed = {one for one in KeyScope if actor(role, scope.value).may(one)}
    assert allowed == MAY[role] & {scope}


def test_roles_stand_in_a_row():
    assert [a.covers(b) for a in Role for b in Role] == [
        *(True, False, False),
        *(True, True, False),
        *(True, True, True),
    ]


def test_nobody_hands_on_more_than_they_have():
    assert actor(Role.ADMIN, "keys").grants(["keys"])
    assert not actor(Role.ADMIN, "keys").grants(["keys", "spend"])
    assert not actor(Role.ADMIN, "keys", "spend").grants([EVERYTHING])
    assert actor(Role.ADMIN).grants(SCOPES)


def test_the_audit_log_tells_keys_from_people():
    assert actor(Role.VIEWER).text == f"person:{UUID(int=1)}"
    assert actor(Role.VIEWER, key=True).text == f"key:{UUID(int=1)}"
