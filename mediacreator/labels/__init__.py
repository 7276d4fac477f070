"""Labels for discs and their cases: what a person reads without putting the medium into anything.

Source: IHE RAD TF-2 4.47 (label), DRG requirements for patient media 2.4.1.
"""

from mediacreator.labels.drawing import draw_labels
from mediacreator.labels.facts import FIELDS, IDENTITY, LabelFacts, label_facts
from mediacreator.labels.layouts import LAYOUTS, PAPERS

__all__ = ["FIELDS", "IDENTITY", "LAYOUTS", "PAPERS", "LabelFacts", "draw_labels", "label_facts"]
