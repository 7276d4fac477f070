"""Compare the pixels of two instances that are encoded differently: both are decoded, and the samples compared."""

from __future__ import annotations

import hashlib

from mediacreator.dicomio.header import Wanted, read_explicit_dataset
from mediacreator.dicomio.window import Truncated, Unusual
from mediacreator.model import Body, Header, SOPInstance
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import Key
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.sources.reading import open_source, read_chunks
from mediacreator.transcode.choose import choose
from mediacreator.transcode.encode import encode
from mediacreator.transcode.spool import Spool

_MEANING = Wanted.of(
    Key(keyword, tag, vr, "3", "", "", "", "PS3.3 C.7.6.3")
    for keyword, tag, vr in (
        ("PhotometricInterpretation", 0x00280004, "CS"),
        ("BitsAllocated", 0x00280100, "US"),
        ("PixelRepresentation", 0x00280103, "US"),
    )
)
"""What gives samples their meaning besides their number."""

_NATIVE = (Option(EXPLICIT_VR_LITTLE_ENDIAN, (), ""),)


def same_pixels(one: Header, other: Header) -> bool | None:
    """Tell whether two instances show the same pixels, None where one of them cannot be decoded.

    Raises:
        SourceChanged: One of them changed since it was scanned.
        NoSpace: There is no room to decode them.
    """
    with Spool() as spool:
        instances = [SOPInstance(header, "IMAGE", header.attributes) for header in (one, other)]
        done = encode(choose(instances, lambda _: _NATIVE), spool)
        if done.rejected:
            return None
        try:
            return len({_fingerprint(encoded.body) for encoded in done.encoded}) == 1
        except (Truncated, Unusual):
            return None


def _fingerprint(body: Body) -> tuple[object, ...]:
    """Return a hash of native Pixel Data, and what gives its samples their meaning."""
    with open_source(body.source) as stream:

        def read_at(position: int, count: int) -> bytes:
            stream.seek(body.offset + position)
            return stream.read(min(count, body.size - position))

        attributes, place = read_explicit_dataset(body.size, read_at, _MEANING)
    digest = hashlib.sha256()
    if place is not None:
        for chunk in read_chunks(body.source, body.offset + place.offset, place.length):
            digest.update(chunk)
    return digest.digest(), *sorted((keyword, value.rstrip(b"\0 ")) for keyword, value in attributes.items())
