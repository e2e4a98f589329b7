"""What a marketer finds in the morning: the folder of files, the manifest and a contact sheet."""

from spotloom.cli.export.folder import export

__all__ = ["export"]
