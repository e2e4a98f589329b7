"""No address that a user or a provider gives us leads to a server behind our own walls."""

import asyncio
import contextlib
import gzip
import time

import pytest
from tests.integration.certificates import certificate

from spotloom.errors import SpotloomError
from spotloom.guarded import (
    AddressRefused,
    Allow,
    AnswerTooLarge,
    GuardedClient,
    Unreachable,
)

INSIDE, STRANGER = "127.0.0.1", "127.0.0.2"  # the second counts as public in these tests

HOSTILE = [
    # Loopback, as people and machines have written it.
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.000.000.001:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    # IPv4 inside IPv6.
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    # Other walls: private, shared, link-local, metadata, multicast, reserved.
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://[::ffff:169.254.169.254]:{port}/",
    "http://169.254.170.2:{port}/",
    "http://100.100.100.200:{port}/",
    "http://192.0.0.192:{port}/",
    "http://[fd00:ec2::254]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://224.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    # Names: the resolver of these tests says 127.0.0.1 for each that it does not know.
    "http://internal.example:{port}/",
    "http://metadata.google.internal:{port}/",
    "http://half.example:{port}/",  # one public address and one that is not
    # What two parsers read differently.
    "http://someone@127.0.0.1:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "http://public.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.example/",
    "http://public.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.example/",
    "http://127.0.0.1:{port}?@public.example/",
    "http:\\\\127.0.0.1:{port}\\",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1:{port}/\r\nHost: public.example",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1%2f:{port}/",
    # Other doors.
    "//127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "ws://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "data:text/plain,hello",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "http://",
    "http:///path",
    "",
    "http://" + "a" * 9000,
    "http://" + "ü." * 200 + "example:{port}/",
]

REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"
)


class Server:
    """A server that counts who comes, and answers as it is told."""

    def __init__(self, host, port):
        self.host, self.port, self.requests = host, port, []
        self.answer = [REPLY]
        self.tasks = set()

    @property
    def hits(self):
        return len(self.requests)

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    async def met(self, reader, writer):
        self.requests.append(b"")  # a connection alone is a hit
        self.tasks.add(asyncio.current_task())
        try:
            await self._answered(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()

    async def _answered(self, reader, writer):
        self.requests[-1] = await reader.readuntil(b"\r\n\r\n")
        told = self.answer
        for piece in told(self.requests[-1]) if callable(told) else told:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            else:
                writer.write(piece)
                await writer.drain()


@contextlib.asynccontextmanager
async def listening(host, port=0, tls=None):
    listener = Server(host, port)
    server = await asyncio.start_server(listener.met, host, port, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        for task in listener.tasks:
            task.cancel()
        await asyncio.gather(*listener.tasks, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture
async def inside():
    """What nobody may reach: a server on this machine."""
    async with listening(INSIDE) as server:
        yield server


@pytest.fixture
async def stranger(inside):
    """A server on the open internet, as far as these tests go, at the same port."""
    async with listening(STRANGER, inside.port) as server:
        yield server


class Names:
    """A resolver: the answers for each name in turn, the last one for ever."""

    def __init__(self, **names):
        self.names, self.asked = names, []

    async def __call__(self, host, _port):
        self.asked.append(host)
        answers = self.names.get(host.replace(".", "_"), [[INSIDE]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def client(port, *, names=None, **allow):
    names = names or Names(half_example=[["93.184.216.34", INSIDE]])
    rules = {"plain_http": True, "ports": frozenset({port}), "networks": (f"{STRANGER}/32",)}
    return GuardedClient(allow=Allow(**rules | allow), resolver=names)


def fetch(client, url, *, max_bytes=1000, timeout_s=5):
    return client.fetch(url, max_bytes=max_bytes, timeout_s=timeout_s)


def redirect(to):
    return [f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()]


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: url[:60] or "nothing")
async def test_a_hostile_address_reaches_no_server_inside(inside, url):
    for send in (fetch, lambda c, u: c.post(u, b"{}", {})):
        with pytest.raises((AddressRefused, Unreachable)) as refused:
            await send(client(inside.port), url.replace("{port}", str(inside.port)))
    assert inside.hits == 0
    assert len(str(refused.value)) < 400  # nobody's kilobytes in our log


async def test_the_server_inside_would_have_answered(inside):
    found = await fetch(client(inside.port, origins=frozenset({inside.url})), inside.url)
    assert (found.status, found.content_type, found.body) == (200, "text/plain", b"hello")
    assert inside.hits == 1


async def test_an_origin_that_the_operator_named_is_that_scheme_host_and_port_alone(inside):
    async with listening(INSIDE) as other:
        only = client(other.port, origins=frozenset({other.url}))
        await fetch(only, f"{other.url}/path?query")
        for url in (
            inside.url,
            f"http://localhost:{other.port}/",
            f"https://127.0.0.1:{other.port}",
        ):
            with pytest.raises(AddressRefused):
                await fetch(only, url)
        assert (inside.hits, other.hits) == (0, 1)


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: url[:60] or "nothing")
async def test_a_redirect_reaches_no_server_inside(inside, stranger, url):
    to = url.replace("{port}", str(inside.port)).split("\r")[0].strip()
    stranger.answer = [
        b"HTTP/1.1 307 Moved\r\nLocation: " + to.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    ]
    names = Names(stranger_example=[[STRANGER]], half_example=[["93.184.216.34", INSIDE]])
    caller = client(inside.port, names=names)
    # A relative Location stays with the stranger, who redirects until we have enough.
    with pytest.raises(SpotloomError):
        await fetch(caller, f"http://stranger.example:{inside.port}/")
    assert stranger.hits >= 1
    assert inside.hits == 0


async def test_a_stranger_cannot_send_us_to_what_the_operator_named(inside, stranger):
    stranger.answer = redirect(f"{inside.url}/delete-everything")
    caller = client(
        inside.port,
        names=Names(stranger_example=[[STRANGER]]),
        origins=frozenset({inside.url}),
    )
    with pytest.raises(AddressRefused, match="not on the public internet"):
        await fetch(caller, f"http://stranger.example:{inside.port}/")
    assert inside.hits == 0


async def test_redirects_are_followed_to_their_end_and_no_further_than_five(inside, stranger):
    names = Names(stranger_example=[[STRANGER]])
    stranger.answer = lambda head: [REPLY] if b"GET /end" in head else redirect("/end?key=1")
    url = f"http://stranger.example:{inside.port}/start"
    assert (await fetch(client(inside.port, names=names), url)).body == b"hello"
    assert stranger.hits == 2
    stranger.answer = redirect("/again")
    with pytest.raises(AddressRefused, match="redirected more than 5 times"):
        await fetch(client(inside.port, names=names), url)
    assert stranger.hits == 2 + 6


async def test_a_name_that_changes_its_address_is_still_spoken_to_where_it_was_checked(
    inside, stranger
):
    names = Names(rebound_example=[[STRANGER], [INSIDE]])
    caller, url = client(inside.port, names=names), f"http://rebound.example:{inside.port}/"
    assert (await fetch(caller, url)).body == b"hello"
    assert (names.asked, stranger.hits) == (["rebound.example"], 1)  # looked up once
    assert b"\r\nhost: rebound.example:" in stranger.requests[0].lower()
    with pytest.raises(AddressRefused):
        await fetch(caller, url)
    with pytest.raises(AddressRefused):
        await caller.post(url, b"{}", {})
    assert (inside.hits, stranger.hits) == (0, 1)


async def test_a_redirect_to_the_same_name_is_looked_up_again(inside, stranger):
    names = Names(rebound_example=[[STRANGER], [INSIDE]])
    stranger.answer = redirect("/next")
    with pytest.raises(AddressRefused):
        await fetch(client(inside.port, names=names), f"http://rebound.example:{inside.port}/")
    assert (inside.hits, stranger.hits) == (0, 1)


async def test_the_next_address_of_a_host_is_tried_when_one_is_down(inside, stranger):
    names = Names(twice_example=[["127.0.0.3", STRANGER]])
    caller = client(inside.port, names=names, networks=("127.0.0.2/31",))
    assert (await fetch(caller, f"http://twice.example:{inside.port}/")).status == 200
    assert inside.hits == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([b"HTTP/1.1 200 OK\r\n\r\n"] + [b"x" * 65536] * 100_000, AnswerTooLarge),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n"], AnswerTooLarge),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + b"x" * 4], Unreachable),
        ([b"HTTP/1.1 200 OK\r\n\r\n"] + [b"x", 0.05] * 1000, Unreachable),
        ([b"HTTP/1.1 200 OK\r\n"] + [b"A: b\r\n", 0.05] * 1000, Unreachable),
        ([b"HTTP/1.1 200 OK\r\n"] + [b"A: " + b"b" * 65536 + b"\r\n"] * 100_000, Unreachable),
        ([b"HTTP/1.1 103 Early\r\n\r\n"] * 1_000_000, Unreachable),
        ([30.0], Unreachable),
        ([b"not http at all\r\n\r\n"], Unreachable),
        ([], Unreachable),
    ],
    ids=[
        "endless body",
        "enormous length",
        "cut body",
        "body drop by drop",
        "headers drop by drop",
        "endless headers",
        "endless preliminaries",
        "silence",
        "not http",
        "nothing",
    ],
)
async def test_an_answer_without_end_ends(stranger, answer, error):
    stranger.answer = answer
    caller = client(stranger.port, names=Names(slow_example=[[STRANGER]]))
    began = time.monotonic()
    with pytest.raises(error):
        await fetch(caller, f"http://slow.example:{stranger.port}/", timeout_s=0.6)
    assert time.monotonic() - began < 9


async def test_nothing_is_unpacked(stranger):
    bomb = gzip.compress(b"\0" * 50_000_000)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    )
    stranger.answer = [head + bomb]
    caller = client(stranger.port, names=Names(bomb_example=[[STRANGER]]))
    with pytest.raises(Unreachable, match="compressed"):
        await fetch(caller, f"http://bomb.example:{stranger.port}/", max_bytes=10**9)
    assert b"accept-encoding: identity" in stranger.requests[0].lower()


async def test_no_cookie_goes_from_one_request_to_the_next(stranger):
    stranger.answer = [REPLY.replace(b"OK\r\n", b"OK\r\nSet-Cookie: a=b\r\n")]
    caller = client(stranger.port, names=Names(jar_example=[[STRANGER]]))
    for _ in range(2):
        await fetch(caller, f"http://jar.example:{stranger.port}/")
    assert b"cookie" not in stranger.requests[1].lower()


async def test_a_post_tells_the_status_and_follows_nothing(inside, stranger):
    stranger.answer = redirect(inside.url)
    caller = client(inside.port, names=Names(hook_example=[[STRANGER]]))
    url = f"http://hook.example:{inside.port}/hook"
    assert await caller.post(url, b"{}", {"webhook-id": "w1", "Host": "evil.example"}) == 302
    head = stranger.requests[0].lower()
    assert b"webhook-id: w1" in head
    assert head.count(b"host:") == 1
    assert b"evil" not in head
    assert inside.hits == 0


async def test_only_https_and_its_ports_are_taken_unless_the_caller_allows_more():
    plain = GuardedClient(resolver=Names(a_example=[["93.184.216.34"]]))
    for url in ("http://a.example/", "https://a.example:22/", "https://a.example:5432/"):
        with pytest.raises(AddressRefused):
            await fetch(plain, url)


async def test_refusals_do_not_repeat_the_key_in_an_address(inside):
    url = f"http://internal.example:{inside.port}/file?X-Amz-Signature=s3cret"
    for wrong in (url, url.replace("http:", "ftp:"), url.replace("//", "//me:s3cret@")):
        with pytest.raises(AddressRefused) as refused:
            await fetch(client(inside.port), wrong)
        assert "s3cret" not in str(refused.value)
        assert INSIDE not in str(refused.value)  # nor tell what our resolver knows


async def test_the_certificate_is_held_to_the_name_and_not_to_the_pinned_address(tmp_path):
    serving, trusting = certificate(tmp_path, "good.example")
    async with listening(STRANGER, tls=serving) as server:
        caller = client(
            server.port, names=Names(good_example=[[STRANGER]], bad_example=[[STRANGER]])
        )
        caller.tls = trusting
        assert (await fetch(caller, f"https://good.example:{server.port}/")).body == b"hello"
        with pytest.raises(Unreachable):
            await fetch(caller, f"https://bad.example:{server.port}/")
        assert server.hits == 1  # the second never came to speak
