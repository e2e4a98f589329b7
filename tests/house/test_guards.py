"""The guards of conftest work: no test leaves this machine or sees the user's data."""

import asyncio
import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 443)])
def test_an_outside_address_is_refused_and_remembered(address, outside_attempts):
    with socket.socket() as sock, pytest.raises(RuntimeError, match=r"127\.0\.0\.1 only"):
        sock.connect(address)
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        pytest.raises(RuntimeError, match=r"127\.0\.0\.1 only"),
    ):
        sock.sendto(b"x", address)
    assert outside_attempts == [f"reach {address[0]}:{address[1]}"] * 2
    outside_attempts.clear()


async def test_an_outside_name_is_refused_under_asyncio_too(outside_attempts):
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1 only"):
        await asyncio.open_connection("example.com", 80)
    assert outside_attempts == ["look up 'example.com'"]
    outside_attempts.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_works(host):
    async def greet(_reader, writer):
        writer.write(b"hello")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(host, port)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


def test_a_unix_socket_works(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)


def test_home_is_a_temporary_folder():
    home = Path.home()
    assert home.name.startswith("spotloom-test-")
    assert Path(os.environ["SPOTLOOM_HOME"]).parent == home


def test_no_setting_of_the_user_reaches_a_test():
    ours = {name for name in os.environ if name.startswith(("SPOTLOOM_", "SORA_", "NOTION_"))}
    assert {n for n in ours if not n.startswith("SPOTLOOM_TEST_")} <= {
        "SPOTLOOM_HOME",
        "SPOTLOOM_NO_BROWSER",
        "SPOTLOOM_FAULTS_PATIENCE",
    }
    assert "DATABASE_URL" not in os.environ


def test_waiting_ends_with_the_first_true_value(wait_until):
    values = iter([0, None, "", 7])
    assert wait_until(lambda: next(values), 5) == 7


def test_waiting_fails_at_its_deadline(wait_until):
    with pytest.raises(pytest.fail.Exception, match=r"still \[\] after 0.05 s"):
        wait_until(list, 0.05)


async def test_waiting_takes_coroutines_and_plain_functions(wait_until_async):
    async def now():
        return "now"

    assert await wait_until_async(now, 5) == "now"
    assert await wait_until_async(lambda: "here", 5) == "here"
    with pytest.raises(pytest.fail.Exception, match="still False"):
        await wait_until_async(lambda: False, 0.05)
