"""Make every file of ``samples/``: run ``python -m samples.make_samples [FOLDER]`` from the root of the checkout.

Nothing is read but this code, so two runs give the same bytes. Needs pydicom, numpy and imagecodecs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from samples import awkward, patient1, patient2, patient3, patient4
from samples.iods import Sample

_GROUPS = {"patient1": patient1, "patient2": patient2, "patient3": patient3, "patient4": patient4, "awkward": awkward}

_INTRODUCTION = """\
# Samples

Small DICOM files to try mediacreator with. **Every patient, referrer, hospital and finding is invented**; the pictures
are computed phantoms, no scanner was involved.

Source of every file: `python -m samples.make_samples`, which reads nothing but its own code and writes the same bytes
each time, this page included. Licence of every file: MIT, as the rest of the project. UIDs are `2.25.` and a name-based
UUID (PS3.5 B.2), dates are fixed. File names are deliberately no File IDs: some have an extension, some do not, some
are in lower case.

Everything outside `awkward/` is clean under `dciodvfy`; compressed pixels decode in programs that are not ours
(`tests/oracle/test_samples.py`).
"""


def all_samples() -> tuple[Sample, ...]:
    """Return every sample, in the order of the README."""
    return tuple(sample for module in _GROUPS.values() for sample in module.samples())


def readme(samples: Sequence[Sample]) -> str:
    """Return the page that says what each file is for."""
    size = sum(len(sample.data) for sample in samples)
    parts = [_INTRODUCTION, f"{len(samples)} files, {size / 1e6:.1f} MB.\n"]
    for folder, module in _GROUPS.items():
        rows = [
            f"| `{sample.path}` | {sample.purpose} | `make_samples.py` | MIT |"
            for sample in samples
            if sample.path.startswith(f"{folder}/")
        ]
        table = "\n".join(("| file | what it is for | source | licence |", "| --- | --- | --- | --- |", *rows))
        parts.append(f"## {folder}/\n\n{module.ABOUT}\n\n{table}\n")
    return "\n".join(parts)


def main(folder: Path) -> int:
    """Write the samples and their README below ``folder``, and print what was made."""
    samples = all_samples()
    for sample in samples:
        target = folder / sample.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(sample.data)
    (folder / "README.md").write_text(readme(samples), encoding="utf-8")
    print(f"{len(samples)} samples, {sum(len(sample.data) for sample in samples):,} bytes, in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
