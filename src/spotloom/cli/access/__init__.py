"""`spotloom login-link` and `key`: lets people and programs in from this machine."""

from spotloom.cli.access.keys import key_app
from spotloom.cli.access.links import first_link, login_link_command

__all__ = ["first_link", "key_app", "login_link_command"]
