"""What ``mediacreator write-usb`` does with sources: a File-set is made, and written to a stick or into its folder."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING

from mediacreator.cli import options
from mediacreator.cli.burning import agreed, recorded, tell
from mediacreator.cli.outcome import report, undecided
from mediacreator.cli.progress import human_bytes, shown
from mediacreator.cli.report import plain, say
from mediacreator.errors import DecisionNeeded, ExitCode, FindingsError

if TYPE_CHECKING:
    from mediacreator.burn import BlockDevice
    from mediacreator.preparing import CreateRequest
    from mediacreator.rules.tables import Blank
    from mediacreator.settings import Settings

making = options.together(
    (
        options.profile_of_stick,
        options.profiles,
        options.coding,
        options.filters,
        options.file_set_id,
        options.virus_checked,
        options.multi_patient,
        options.answers,
        options.strict,
        options.allow_rejected,
        options.workers,
    )
)
"""The options of ``create`` that a stick has."""


@dataclass(frozen=True, slots=True)
class Making:
    """The values of ``making``."""

    profile: str | None
    folders: tuple[str, ...]
    compress: str | None
    icons: bool
    patients: tuple[str, ...]
    studies: tuple[str, ...]
    series: tuple[str, ...]
    modalities: tuple[str, ...]
    file_set_id: str | None
    virus_checked: str
    multi_patient: bool
    same_patient: tuple[int, ...]
    take: tuple[tuple[int, int], ...]
    include_rejected: bool
    strict: bool
    allow_rejected: tuple[str, ...]
    workers: int | None

    def site(self, settings: Settings) -> tuple[str, ...]:
        """Return the folders with profiles of the site."""
        return (*settings.profile_folders, *self.folders)

    def profile_of(self, settings: Settings) -> str:
        """Return the profile of the stick.

        Raises:
            UsageError: What was given is not for a stick.
        """
        from mediacreator.at_hand import profile_for_stick

        return profile_for_stick(self.profile or "", settings.create.profile, self.site(settings))

    def request(
        self, sources: tuple[str, ...], output: str, settings: Settings, only: Blank | None = None
    ) -> CreateRequest:
        """Return what ``create`` is asked for; what is not given is as the settings have it."""
        from mediacreator.preparing import CreateRequest
        from mediacreator.select import SelectionRequest

        defaults = settings.create
        return CreateRequest(
            sources=sources,
            output=output,
            profile=self.profile_of(settings),
            compress=self.compress or defaults.compress,
            icons=self.icons or defaults.icons,
            profile_folders=self.folders,
            only=only,
            selection=SelectionRequest(
                patients=frozenset(self.patients),
                studies=frozenset(self.studies),
                series=frozenset(self.series),
                modalities=options.modality_set(self.modalities),
                same_patient=frozenset(self.same_patient),
                take=dict(self.take),
                multi_patient=self.multi_patient or defaults.multi_patient,
                include_rejected=self.include_rejected or defaults.include_rejected,
            ),
            file_set_id=self.file_set_id or "",
            virus_checked=self.virus_checked,
            strict=self.strict or defaults.strict,
            workers=self.workers or defaults.workers,
            epoch=options.epoch(),
            arguments=tuple(sys.argv[1:]),
        )


MAKING = tuple(field.name for field in fields(Making))


def write_to_device(
    sources: tuple[str, ...],
    device: str,
    output: str,
    making: Making,
    settings: Settings,
    *,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make an image that fits a stick, write it, read the stick back, and remove the image; its receipt stays.

    The stick is looked at, shown and agreed to before the long work, and looked at again before it is written.
    """
    from mediacreator import burn
    from mediacreator.at_hand import stick_at_hand
    from mediacreator.creation import create

    stick = burn.choose_device(device, burn.block_devices())
    only = stick_at_hand("stick", stick.size, making.profile_of(settings), making.site(settings))
    image = output or _name(".img")
    request = making.request(sources, image, settings, only)
    if not agreed([f"Device:  {words(stick)}", "All that lies on it is lost."], f"Overwrite {stick.path}?", yes=yes):
        return int(ExitCode.STOPPED)
    try:
        with shown(quiet=quiet or as_json) as progress:
            receipt = create(request, settings, progress)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    allowed = making.allow_rejected or settings.create.allow_rejected
    code = report(receipt, allowed, image, as_json=as_json, where=_where(output, image))
    if code:
        raise FindingsError(
            "Not written to the stick, since it is not complete. The image is kept: look at it, and write it with "
            "mediacreator write-usb if it will do."
        )
    with shown(quiet=quiet or as_json) as progress:
        ready = burn.ready_image(image, receipt, progress=progress, folders=making.site(settings), checked=True)
        now = burn.judge_device(device, burn.block_devices(), ready, any_medium=False)
        burn.require_same(stick, now)
        entry = recorded(ready, now.path, lambda: burn.write_stick(ready, now, progress=progress))
    os.unlink(image)
    if not as_json:
        say("")
        tell(ready, [entry], as_json=False)
    return code


def write_into_folder(
    sources: tuple[str, ...],
    folder: str,
    output: str,
    making: Making,
    settings: Settings,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make a File-set in a folder that is there, beside what it holds."""
    from mediacreator.into_folder import create_into

    name = output.rstrip("/") or _name("")
    request = making.request(sources, f"{name}/", settings)
    try:
        with shown(quiet=quiet or as_json) as progress:
            receipt = create_into(folder, request, settings, progress)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    allowed = making.allow_rejected or settings.create.allow_rejected
    return report(receipt, allowed, name, as_json=as_json, where=_where(output, name))


def words(device: BlockDevice) -> str:
    """Say which device is meant, and what would be lost."""
    holds = f"holds {plain(device.holds)}" if device.holds else "what it holds cannot be read"
    return f"{device.path}, {plain(device.name)}, {human_bytes(device.size)}, {holds}"


def _where(given: str, name: str) -> str:
    """Say where the receipt is to whoever may not see a name that a person gave."""
    return "where -o says" if given else f"{name}.receipt.json in the current folder"


def _name(suffix: str) -> str:
    """Return a name in the current folder that says when, and nothing of whom."""
    return f"stick-{datetime.now():%Y%m%d-%H%M%S}{suffix}"
