"""Fuzzing of what reads foreign bytes: the walker of DICOMDIRs and the readers of headers.

``test_fuzz.py`` has hypothesis choose ten thousand mutations in ``make test``. ``python -m tests.fuzz`` tries as many
as are wanted, in ``make prove`` a million: guided by coverage where atheris is installed, otherwise at random.
"""
