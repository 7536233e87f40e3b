"""The science of canalfit: knows geometry and bone, and neither DICOM files nor screens."""

__version__ = "0.1.0"
