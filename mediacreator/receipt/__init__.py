"""The versioned receipt of a run: build it, see that its counts close, write it, read it, show it.

``docs/receipt.md`` explains it, ``docs/receipt.schema.json`` is its grammar.
"""

from mediacreator.receipt.build import Job, WrittenMedium, build_receipt, travelling_receipt
from mediacreator.receipt.check import counts_close
from mediacreator.receipt.model import COMPLETE, INCOMPLETE, VERSION, Decision, MediumEntry, Receipt
from mediacreator.receipt.read import parse_receipt, read_receipt
from mediacreator.receipt.render import (
    finding_json,
    staged_receipt,
    to_json,
    travelling_json,
    travelling_size,
    write_receipt,
)
from mediacreator.receipt.summary import summary

__all__ = [
    "COMPLETE",
    "INCOMPLETE",
    "VERSION",
    "Decision",
    "Job",
    "MediumEntry",
    "Receipt",
    "WrittenMedium",
    "build_receipt",
    "counts_close",
    "finding_json",
    "parse_receipt",
    "read_receipt",
    "staged_receipt",
    "summary",
    "to_json",
    "travelling_json",
    "travelling_receipt",
    "travelling_size",
    "write_receipt",
]
