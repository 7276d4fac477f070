"""Groups of commands that are imported when they are called: the start of a program is part of its speed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """Imports a command when it is asked for."""

    modules: ClassVar[Mapping[str, str]] = {}
    """By name; each module has one click command named ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of their table."""
        return [*self.modules]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.modules:
            return None
        command = import_module(self.modules[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; name the nearest one where there is none."""
        from difflib import get_close_matches

        near = get_close_matches(args[0], self.modules, n=1)
        if args[0] not in self.modules and near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)
