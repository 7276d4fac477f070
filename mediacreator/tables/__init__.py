"""Facts of the DICOM Standard as CSV files, a clause on each row; ``mediacreator.rules`` loads them."""
