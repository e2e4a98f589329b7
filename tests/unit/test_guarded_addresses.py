"""Which addresses count as the open internet."""

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spotloom.guarded import AddressRefused, Allow, Unreachable, origin_of, pin

PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - nothing is bound to it here
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff0e::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:5db8:d822::1",  # a tunnel to a public address, behind which nobody can look
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]


async def pinned(address, resolver=None):
    literal = f"[{address}]" if ":" in address else address
    url = f"https://{literal}/" if resolver is None else "https://name.example/"
    return (await pin(url, Allow(), **({"resolver": resolver} if resolver else {}))).addresses


def naming(*addresses):
    async def resolver(_host, _port):
        return addresses

    return resolver


@pytest.mark.parametrize("address", PRIVATE)
async def test_private_addresses_are_private_in_any_wrapping(address):
    with pytest.raises(AddressRefused):
        await pinned(address)
    with pytest.raises(AddressRefused):
        await pinned(address, naming(address))
    with pytest.raises(AddressRefused):
        await pinned(address, naming(PUBLIC[0], address))  # one bad answer spoils a name


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses_are_public(address):
    assert await pinned(address)
    assert await pinned(address, naming(address, address))


def test_origins_are_spelled_one_way():
    assert origin_of("HTTP://Example.com:80/a?b") == "http://example.com"
    assert origin_of("https://u:p@example.com:8443") == "https://example.com:8443"
    assert origin_of("http://[::1]:9/") == "http://[::1]:9"


_signs = some.sampled_from(
    [":", "/", "//", "@", "?", "#", "\\", "[", "]", "%", "%00", "%2e", "..."]
)
_hosts = some.sampled_from(["127.0.0.1", "::1", "example.com", "xn--", "ü", "。", "①", "a" * 64])
_ports = some.sampled_from(
    [":443", ":80", ":99999", ":-1", ":0x7f", "user:pw@", "\t", "\0", "\ud800"]
)
_pieces = _signs | _hosts | _ports | some.text(max_size=8)
_starts = some.sampled_from(["https://", "http://", "https://example.com", "https:", ""])


@given(_starts, some.lists(_pieces, max_size=6).map("".join))
def test_whatever_is_written_it_is_refused_or_pinned_to_what_was_checked(start, rest):
    url = start + rest
    try:
        pinned = asyncio.run(pin(url, Allow(plain_http=True), resolver=naming("93.184.216.34")))
    except (AddressRefused, Unreachable):
        return
    for address in pinned.addresses:
        assert ipaddress.ip_address(address).is_global
        told = pinned.request(address, {})
        assert ipaddress.ip_address(told["url"].host) == ipaddress.ip_address(address)
        assert told["url"].port in {None, 80, 443, 8443}
        assert not told["url"].userinfo
        assert told["headers"]["Host"].isascii()


async def test_an_address_of_ipv6_is_spoken_to_in_brackets():
    pinned = await pin("https://[2606:2800:220:1::1]:8443/a?b=c", Allow())
    told = pinned.request(pinned.addresses[0], {"Accept": "*/*"})
    assert str(told["url"]) == "https://[2606:2800:220:1::1]:8443/a?b=c"
    assert told["headers"]["Host"] == "[2606:2800:220:1::1]:8443"
