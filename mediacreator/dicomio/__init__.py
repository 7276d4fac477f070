"""DICOM bytes: header reader, File Meta Information, DICOMDIR encoder and walker; knows no file system."""
