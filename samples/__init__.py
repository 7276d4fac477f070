"""Sample DICOM files of invented patients, and the script that makes them."""
