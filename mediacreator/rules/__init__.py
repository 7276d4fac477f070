"""Answer questions about the DICOM Standard from ``tables`` and ``profiles``; knows no file, no byte, no stage."""
