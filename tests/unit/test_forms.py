"""What fits a medium and what does not, to the byte."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediacreator.errors import MediaTooSmall
from mediacreator.forms import FORMS, check_capacity, too_large_for
from mediacreator.layout import lay_out
from mediacreator.rules.tables import media_formats
from tests.unit.layout.test_layout import content_of, encoded

CD = media_formats()["cd_r"]


def test_the_last_byte_of_the_medium_may_be_used_and_not_one_more() -> None:
    check_capacity(CD, CD.capacity)
    with pytest.raises(MediaTooSmall, match=r"1 byte is too many") as caught:
        check_capacity(CD, CD.capacity + 1)
    assert f"{CD.capacity:,}" in str(caught.value)
    with pytest.raises(MediaTooSmall, match=r"2 bytes are too many"):
        check_capacity(CD, CD.capacity + 2)


def test_every_medium_that_would_hold_it_is_named_the_smallest_first() -> None:
    """Not only DVD-RAM, which nobody has, since it comes first in the table."""
    with pytest.raises(MediaTooSmall, match="DVD-RAM, 120 mm DVD other than DVD-RAM, 120 mm BD, or a folder"):
        check_capacity(CD, CD.capacity + 1)
    with pytest.raises(MediaTooSmall, match="It would fit 120 mm BD, or a folder"):
        check_capacity(CD, 10**10)


def test_what_fits_nothing_fits_a_folder() -> None:
    with pytest.raises(MediaTooSmall, match="It would fit a folder"):
        check_capacity(CD, 10**12)


def test_a_medium_without_a_limit_has_none() -> None:
    check_capacity(media_formats()["folder"], 10**15)


def test_a_folder_that_no_cd_holds_is_noted() -> None:
    content, instances = content_of([[[1]]])
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    assert too_large_for(CD, [volume]) == ()
    (finding,) = too_large_for(
        replace(CD, capacity=9),
        [
            volume,
        ],
    )
    assert finding.code == "larger-than-medium"
    assert encoded(1).size == 10


def test_every_writer_that_the_table_names_exists() -> None:
    chosen = {"dvd_udf", "udf_2_50"}  # by who asks for UDF on a DVD, or for a BD-RE
    assert {medium.writer for medium in media_formats().values()} - {""} == set(FORMS) - chosen
