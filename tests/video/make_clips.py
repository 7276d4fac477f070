"""Make the clips of this folder with ffmpeg (libx264): flat pictures, few frames, a few kilobytes each.

Run it as ``python -m tests.video.make_clips``; the clips are committed, so that tests need no encoder. What an encoder
does not make (stereo MVC) is built here from what it made, NAL unit by NAL unit.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.video.catalogue import CLIPS, Clip

FOLDER = Path(__file__).parent / "data"


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg quietly, without anything in the result that depends on time or version."""
    common = ("-v", "error", "-nostdin", "-y", "-threads", "1")
    exact = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1")
    *before, target = arguments
    subprocess.run(["ffmpeg", *common, *map(str, before), *exact, str(target)], check=True)


def encode(clip: Clip, target: Path) -> None:
    """Encode a grey picture with a darker square, so that there is something to see."""
    columns, rows = clip.columns, clip.rows
    source = f"color=c=0x808080:s={columns}x{rows}:r={clip.rate},drawbox=x=64:y=64:w=128:h=128:c=0x404040:t=fill"
    ffmpeg(
        *("-f", "lavfi", "-i", source, "-frames:v", clip.frames, "-pix_fmt", "yuv420p", "-vf", "setsar=" + clip.sar),
        *clip.encoder.split(),
        *clip.muxer.split(),
        target,
    )


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B byte stream, without start codes."""
    starts = [match.end() for match in re.finditer(b"\x00\x00\x01", stream)]
    for start, following in zip(starts, [*starts[1:], len(stream) + 3], strict=True):
        yield stream[start : following - 3].rstrip(b"\0")


def stereo(stream: bytes) -> bytes:
    """Return a stream of two equal views, as Stereo High has them (ISO/IEC 14496-10 Annex H).

    The second view repeats the slices of the first in NAL units of type 20; its subset Sequence Parameter Set has
    profile_idc 128, the same level, and two views of which neither is predicted from the other.
    """
    made = b""
    for unit in nal_units(stream):
        made += b"\0\0\0\1" + unit
        kind = unit[0] & 0x1F
        if kind == 7:
            made += b"\0\0\0\1" + subset_sps(unit)
        if kind in (1, 5):
            idr = kind == 5
            extension = (0 if idr else 1) << 22 | 1 << 6 | (1 if idr else 0) << 2 | 1  # view_id 1, reserved_one_bit
            made += b"\0\0\0\1" + bytes([unit[0] & 0x60 | 20]) + extension.to_bytes(3, "big") + unit[1:]
    return made


def subset_sps(sps: bytes) -> bytes:
    """Return a subset SPS for two views out of an SPS."""
    rbsp = sps[1:].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{octet:08b}" for octet in rbsp)
    bits = f"{128:08b}" + bits[8:].rstrip("0")[:-1]  # without rbsp_stop_one_bit
    bits += "1"  # bit_equal_to_one
    bits += golomb(1) + golomb(0) + golomb(1)  # num_views_minus1, view_id[0], view_id[1]
    bits += golomb(0) * 4  # no references between the views, of anchor and other pictures
    bits += golomb(0) + f"{42:08b}" + golomb(0)  # one level: 4.2, one operation point
    bits += "000" + golomb(0) + golomb(0) + golomb(1)  # temporal_id, one target view (0), num_views_minus1
    bits += "0"  # mvc_vui_parameters_present_flag
    bits += "0"  # additional_extension2_flag
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return bytes([sps[0] & 0x60 | 15]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\0\0\3", payload)


def golomb(value: int) -> str:
    """Return ue(v)."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def make(clip: Clip) -> None:
    """Make one clip."""
    target = FOLDER / clip.file
    if not clip.stereo:
        encode(clip, target)
        return
    with tempfile.TemporaryDirectory() as folder:
        plain, both = Path(folder, "plain.264"), Path(folder, "both.264")
        encode(clip, plain)
        both.write_bytes(stereo(plain.read_bytes()))
        ffmpeg(
            "-framerate",
            clip.rate,
            "-i",
            both,
            "-c",
            "copy",
            "-bsf:v",
            "setts=ts=N*3000",
            *clip.packing.split(),
            target,
        )


def main() -> None:
    """Make every clip and print its size."""
    FOLDER.mkdir(exist_ok=True)
    for clip in CLIPS.values():
        make(clip)
        print(f"{(FOLDER / clip.file).stat().st_size:>8,}  {clip.file}")


if __name__ == "__main__":
    main()
