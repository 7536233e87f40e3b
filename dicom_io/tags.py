"""The tags that are ever looked at, by the standard's keyword; nothing else leaves a file's header."""

from __future__ import annotations

TAGS = {
    "SpecificCharacterSet": 0x00080005,
    "ImageType": 0x00080008,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "StudyDate": 0x00080020,
    "ContentTime": 0x00080033,
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "SeriesDescription": 0x0008103E,
    "ManufacturerModelName": 0x00081090,
    "FrameType": 0x00089007,
    "PatientName": 0x00100010,  # read only to strike it out of descriptions and paths (dicom_io.identity)
    "PatientID": 0x00100020,
    "IssuerOfPatientID": 0x00100021,
    "ContrastBolusAgent": 0x00180010,
    "BodyPartExamined": 0x00180015,
    "SliceThickness": 0x00180050,
    "KVP": 0x00180060,
    "ReconstructionDiameter": 0x00181100,
    "TriggerTime": 0x00181060,
    "GantryDetectorTilt": 0x00181120,  # only to see whether positions lost it
    "ConvolutionKernel": 0x00181210,
    "PatientPosition": 0x00185100,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SeriesNumber": 0x00200011,
    "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013,
    "ImagePositionPatient": 0x00200032,
    "ImageOrientationPatient": 0x00200037,
    "FrameOfReferenceUID": 0x00200052,
    "Laterality": 0x00200060,
    "ImageLaterality": 0x00200062,
    "NumberOfSeriesRelatedInstances": 0x00201209,
    "StackID": 0x00209056,
    "FrameAcquisitionNumber": 0x00209156,
    "TemporalPositionIndex": 0x00209128,
    "FrameLaterality": 0x00209072,
    "SamplesPerPixel": 0x00280002,
    "PhotometricInterpretation": 0x00280004,
    "NumberOfFrames": 0x00280008,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "ImagerPixelSpacing": 0x00181164,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "PixelPaddingValue": 0x00280120,
    "PixelPaddingRangeLimit": 0x00280121,
    "BurnedInAnnotation": 0x00280301,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
    "RescaleType": 0x00281054,
    "LossyImageCompression": 0x00282110,
    "ReferencedFileID": 0x00041500,
    "SegmentationType": 0x00620001,
    "SegmentNumber": 0x00620004,
    "SegmentLabel": 0x00620005,
    "ReferencedSegmentNumber": 0x0062000B,
    "MaximumFractionalValue": 0x0062000E,
}
WANTED = frozenset(TAGS.values())

SEQUENCES = {
    "DirectoryRecordSequence": 0x00041220,
    "SharedFunctionalGroupsSequence": 0x52009229,
    "PerFrameFunctionalGroupsSequence": 0x52009230,
    "FrameContentSequence": 0x00209111,
    "PlanePositionSequence": 0x00209113,
    "PlaneOrientationSequence": 0x00209116,
    "FrameAnatomySequence": 0x00209071,
    "UnassignedSharedConvertedAttributesSequence": 0x00209170,
    "UnassignedPerFrameConvertedAttributesSequence": 0x00209171,
    "PixelMeasuresSequence": 0x00289110,
    "PixelValueTransformationSequence": 0x00289145,
    "CTReconstructionSequence": 0x00189314,
    "CTXRayDetailsSequence": 0x00189325,
    "CTImageFrameTypeSequence": 0x00189329,
    "ModalityLUTSequence": 0x00283000,  # only to see that it is there
    "SegmentSequence": 0x00620002,
    "SegmentIdentificationSequence": 0x0062000A,
}
NESTED = frozenset(SEQUENCES.values())

# The macros of functional groups whose attributes mean for a frame what the same attribute means for
# a single-frame file (PS3.3 C.7.6.16).
FUNCTIONAL_MACROS = tuple(
    SEQUENCES[name]
    for name in (
        "UnassignedSharedConvertedAttributesSequence",
        "UnassignedPerFrameConvertedAttributesSequence",
        "FrameContentSequence",
        "FrameAnatomySequence",
        "CTImageFrameTypeSequence",
        "CTReconstructionSequence",
        "CTXRayDetailsSequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
        "PixelValueTransformationSequence",
        "SegmentIdentificationSequence",
    )
)
