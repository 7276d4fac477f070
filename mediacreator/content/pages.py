"""Render the templates; what both pages say of the institution."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from mediacreator.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

DISCLAIMER = (
    "The images are copies from the archive of the institution; what counts for diagnosis and treatment is its written"
    " report. Whoever reads the images is responsible for using a viewer and a screen that are fit for the purpose."
)
PRIVACY = (
    "This medium holds health data. Keep it where others cannot read it, and give it back to the institution if it is"
    " not meant for you."
)


def rendered(template: str, values: Mapping[str, object]) -> str:
    """Render one of our templates; those of XHTML escape every value."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("mediacreator.content"),
        autoescape=select_autoescape(disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = wrapped
    environment.filters["padded"] = lambda text: f"{text:<12}"
    return environment


def wrapped(text: str, indent: str = "   ") -> str:
    """Break a text of ASCII characters into lines of at most 79 columns; its own lines stay apart."""
    import textwrap

    return "\n".join(
        textwrap.fill(line, 79, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        for line in text.splitlines()
    )


def institution_lines(settings: Settings) -> tuple[str, ...]:
    """Return who makes the media, name first; what is not set is left out."""
    institution = settings.institution
    lines = (institution.name, institution.department, ", ".join(institution.address))
    return tuple(line for line in (*lines, *_reached(institution.phone, institution.email, institution.web)) if line)


def contact_lines(settings: Settings) -> tuple[str, ...]:
    """Return whom a recipient asks, where this is somebody else than the institution."""
    contact = settings.contact
    return tuple(line for line in (contact.name, *_reached(contact.phone, contact.email, ""), contact.hours) if line)


def _reached(phone: str, email: str, web: str) -> tuple[str, ...]:
    return (
        f"Phone: {phone}" if phone else "",
        f"E-mail: {email}" if email else "",
        f"Web: {web}" if web else "",
    )
