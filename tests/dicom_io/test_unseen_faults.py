"""Faults beyond the matrix, as a wilful tester would make them: the exact volume, or one clear sentence.

Each fault changes a clean series of 24 slices in place, or the files of it. What is read must be the Hounsfield units
that were put in, with the warnings that are named here and no others.
"""

import ct_files
import numpy as np
import pytest
from outcome import exact, refused, warnings
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicom_io import read_series


def everywhere(**values):
    """Return a fault that sets the same values in all slices."""

    def fault(slices):
        for ds in slices:
            for keyword, value in values.items():
                setattr(ds, keyword, value)

    return fault


def in_one(**values):
    """Return a fault that sets values in the sixth slice."""
    return lambda slices: everywhere(**values)(slices[5:6])


def stored(ds):
    return np.frombuffer(ds.PixelData, "<u2")


def swap_bytes(slices):
    slices[5].PixelData = stored(slices[5]).byteswap().tobytes()


def shift_one_byte(slices):
    slices[5].PixelData = slices[5].PixelData[1:] + slices[5].PixelData[:1]


def shift_rows(slices):
    cut = 8 * 2 * slices[5].Columns
    slices[5].PixelData = slices[5].PixelData[cut:] + slices[5].PixelData[:cut]


def lose_the_last_blocks(slices):
    slices[5].PixelData = slices[5].PixelData[:3000] + bytes(len(slices[5].PixelData) - 3000)


def floating_pixels(slices):
    for ds in slices:
        ds.FloatPixelData = (stored(ds).astype("<f4") - 1024).tobytes()
        ds.BitsAllocated = ds.BitsStored = 32
        ds.HighBit = 31
        del ds.PixelData


def private_geometry(slices):
    for ds in slices:
        block = ds.private_block(0x0019, "MAKER", create=True)
        block.add_new(1, "DS", list(ds.ImagePositionPatient))
        del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing


def invert(slices):
    for ds in slices:
        ds.PixelData = (4095 - stored(ds)).astype("<u2").tobytes()
        ds.PhotometricInterpretation = "MONOCHROME1"


def lookup_table(slices):
    for ds in slices:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [4096, 0, 16], "HU"
        table.add_new(0x00283006, "OW", np.arange(4096, dtype="<u2").tobytes())
        ds.ModalityLUTSequence = [table]


def lookup_table_alone(slices):
    lookup_table(slices)
    for ds in slices:
        del ds.RescaleSlope, ds.RescaleIntercept


def positions(place):
    """Return a fault that puts slice k at ``place(k)``."""

    def fault(slices):
        for k, ds in enumerate(slices):
            ds.ImagePositionPatient = [f"{c:.9g}" for c in place(k)]

    return fault


def drifting_orientation(slices):
    for k, ds in enumerate(slices):
        turn = np.radians(0.05 * k)
        cosines = (np.cos(turn), np.sin(turn), 0, -np.sin(turn), np.cos(turn), 0)
        ds.ImageOrientationPatient = [f"{c:.9f}" for c in cosines]


def drifting_spacing(slices):
    for k, ds in enumerate(slices):
        ds.PixelSpacing = [f"{0.8 * (1 + 5e-5 * k):.8f}"] * 2


def intercept_of_half(slices):
    everywhere(RescaleIntercept="-524")(slices[12:])


def slope_of_half(slices):
    everywhere(RescaleSlope="1.1")(slices[12:])


def another_person_of_the_same_id(slices):
    everywhere(PatientName="Meier^Otto")(slices[12:])


def kernels_by_turns(slices):
    everywhere(ConvolutionKernel="B31f")(slices[::2])


def second_series_uid(slices):
    everywhere(SeriesInstanceUID=generate_uid(), SeriesNumber=3)(slices[12:])


def locations_turned(slices):
    for k, ds in enumerate(slices):
        ds.SliceLocation = str(-5 * k)


REFUSED = {
    "bytes of one slice swapped": (swap_bytes, "CF-D016g", ["IM0006.dcm"]),
    "pixel data shifted by a byte": (shift_one_byte, "CF-D016g", ["IM0006.dcm"]),
    "pixel data shifted by rows": (shift_rows, "CF-D016g", ["IM0006.dcm"]),
    "last blocks of a slice lost": (lose_the_last_blocks, "CF-D016g", ["IM0006.dcm"]),
    "pixel spacing turned round in one slice": (in_one(PixelSpacing=["0.8", "0.7"]), "CF-D010a", ["IM0006.dcm"]),
    "rows and columns exchanged in one slice": (in_one(Rows=32, Columns=128), "CF-D010", ["IM0006.dcm"]),
    "orientation of one slice turned": (in_one(ImageOrientationPatient=list("010100")), "CF-D010b", ["IM0006.dcm"]),
    "pixels ten times wider than high": (everywhere(PixelSpacing=["0.8", "0.08"]), "CF-D017d", ["0.8 x 0.08 mm"]),
    "pixel spacing in metres": (everywhere(PixelSpacing=["0.0008"] * 2), "CF-D017", ["0.0008"]),
    "slope zero": (everywhere(RescaleSlope="0"), "CF-D011g", ["IM0001.dcm"]),
    "floating-point pixels": (floating_pixels, "CF-D013", ["32 of 32 bits"]),
    "ten bits stored": (everywhere(BitsStored=10, HighBit=9), "CF-D013", ["10 of 16 bits"]),
    "geometry in private tags": (private_geometry, "CF-D018", ["IM0001.dcm"]),
    "values turned bright for dark": (invert, "CF-D020a", ["MONOCHROME1"]),
    "Modality LUT beside the rescale": (lookup_table, "CF-D011h", ["Modality LUT"]),
    "Modality LUT alone": (lookup_table_alone, "CF-D011h", ["Modality LUT"]),
    "both sides in one header": (everywhere(Laterality="L", ImageLaterality="R"), "CF-D009a", ["both sides"]),
    "a projection": (everywhere(ImageType=["DERIVED", "SECONDARY", "MIP"]), "CF-D019e", ["MIP"]),
    "an iodine map": (everywhere(RescaleType="MGML"), "CF-D011f", ["MGML"]),
    "all at one position": (positions(lambda k: (0, 0, 0)), "CF-D004", ["23 of 24"]),
    "every second slice beside the line": (positions(lambda k: (k % 2, 0, 1.5 * k)), "CF-D005b", ["mm off"]),
    "positions rounded to whole mm": (positions(lambda k: (0, 0, round(1.25 * k))), "CF-D005", ["1.000 to 2.000"]),
    "positions rounded to tenths": (positions(lambda k: (0, 0, round(0.625 * k, 1))), "CF-D005", ["0.600 to 0.700"]),
    "orientation that drifts": (drifting_orientation, "CF-D008", ["--series"]),
    "spacing that drifts": (drifting_spacing, "CF-D010a", ["differ"]),
    "other intercept from the middle on": (intercept_of_half, "CF-D011c", ["500 HU"]),
    "other slope from the middle on": (slope_of_half, "CF-D011c", ["IM0013.dcm"]),
    "kernels by turns": (kernels_by_turns, "CF-D008", ["B31f", "BONE"]),
    "two series make one volume": (second_series_uid, "CF-D008", ["2 (CT, 12", "3 (CT, 12"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_series_that_is_refused_in_one_sentence(tmp_path, name):
    fault, code, words = REFUSED[name]
    slices = ct_files.series()
    fault(slices)
    ct_files.save(slices, tmp_path)
    refused(code, tmp_path, names=words)


READ = {
    "SpacingBetweenSlices lies": (everywhere(SpacingBetweenSlices="3"), set()),
    "SpacingBetweenSlices is negative": (everywhere(SpacingBetweenSlices="-1.5"), set()),
    "SliceLocation runs the other way": (
        lambda s: [setattr(d, "SliceLocation", -5 * k) for k, d in enumerate(s)],
        set(),
    ),
    "one image number for all": (everywhere(InstanceNumber=1), set()),
    "shown inverted by a presentation": (everywhere(PresentationLUTShape="INVERSE"), set()),
    "spacing with exponents": (everywhere(PixelSpacing=["8E-1", "8e-01"]), set()),
    "a name in capitals": (in_one(PatientName="NOWAK^ANNA"), set()),
    "a name with titles elsewhere": (in_one(PatientName="Anna Nowak"), set()),
    "another person of the same ID": (another_person_of_the_same_id, {"CF-D021c"}),
    "prone by the header, supine by the images": (everywhere(PatientPosition="HFP"), {"CF-D009b"}),
    "decubitus by the header alone": (everywhere(PatientPosition="FFDL"), {"CF-D009b"}),
    "prone, and turned by hand": (everywhere(PatientPosition="HFP", ImageType=["DERIVED", "SECONDARY"]), set()),
    "described as the other side": (everywhere(Laterality="L", SeriesDescription="FEMUR RIGHT 1mm"), {"CF-D009c"}),
    "described as the same side": (everywhere(Laterality="R", SeriesDescription="FEMUR RIGHT 1mm"), set()),
    "described as both sides": (everywhere(Laterality="R", SeriesDescription="left and right thigh"), set()),
    "monoenergetic": (everywhere(ImageType=["DERIVED", "PRIMARY", "AXIAL", "DE_MONOENERGETIC_140"]), {"CF-D025b"}),
    "pixel spacing in centimetres": (everywhere(PixelSpacing=["0.08"] * 2), {"CF-D017c", "CF-D023"}),
    "positions in centimetres": (positions(lambda k: (0, 0, 0.15 * k)), {"CF-D023a", "CF-D023"}),
    "slices with gaps between": (everywhere(SliceThickness="0.5"), {"CF-D023a"}),
    "pixels that are not square": (everywhere(PixelSpacing=["0.8", "0.6"]), {"CF-D023", "CF-D023b"}),
    "a field wider than reconstructed": (everywhere(ReconstructionDiameter="25.6"), {"CF-D010f"}),
    "a field cut out of a larger one": (everywhere(ReconstructionDiameter="500"), set()),
    "series UID of letters": (everywhere(SeriesInstanceUID="abc.def"), set()),
}


@pytest.mark.parametrize("name", READ)
def test_a_series_that_is_read_with_what_must_be_said(tmp_path, hu, name):
    fault, expected = READ[name]
    slices = ct_files.series(hu)
    fault(slices)
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == expected


def test_values_that_are_air_throughout_are_said(tmp_path):
    slices = ct_files.series()
    everywhere(RescaleSlope="0.001")(slices)
    ct_files.save(slices, tmp_path)
    assert warnings(read_series(tmp_path)) == {"CF-D011d"}


# --- two scans in one series --------------------------------------------------------------------------
def one_series(first, second):
    for a, b in zip(first, second, strict=True):
        for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            setattr(b, keyword, getattr(a, keyword))
        del a.AcquisitionNumber, b.AcquisitionNumber
    for k, ds in enumerate(second, start=len(first) + 1):
        ds.InstanceNumber = k
    return [*first, *second]


def test_two_scans_between_one_another_without_a_number_that_tells(tmp_path, hu):
    moved = np.roll(ct_files.limb(seed=5), 3, axis=2)  # the leg moved by 2.4 mm
    second = ct_files.series(moved, origin=(-25, -30, 100.75))
    ct_files.save(one_series(ct_files.series(hu), second), tmp_path)
    refused("CF-D004d", tmp_path, names=["two scans"])


def test_two_scans_at_uneven_distance(tmp_path, hu):
    second = ct_files.series(ct_files.limb(seed=5), origin=(-25, -30, 100.4))
    ct_files.save(one_series(ct_files.series(hu), second), tmp_path)
    refused("CF-D005", tmp_path, names=["0.400 to 1.100 mm"])


def test_two_phases_at_the_same_positions(tmp_path, hu):
    ct_files.save(one_series(ct_files.series(hu), ct_files.series(ct_files.limb(seed=9))), tmp_path)
    refused("CF-D004", tmp_path, names=["24 of 48"])


def test_a_scout_that_does_not_say_so(tmp_path, hu):
    slices = ct_files.series(hu)
    scout = ct_files.series(ct_files.limb((1, 64, 64), seed=8), orientation=(1, 0, 0, 0, 0, -1))[0]
    scout.SeriesInstanceUID, scout.StudyInstanceUID = slices[0].SeriesInstanceUID, slices[0].StudyInstanceUID
    scout.FrameOfReferenceUID = slices[0].FrameOfReferenceUID
    ct_files.save([*slices, scout], tmp_path)
    refused("CF-D010b", tmp_path, names=["IM0025.dcm"])


@pytest.mark.parametrize("k", [0, 23])
def test_an_end_slice_of_another_scan_is_said(tmp_path, hu, k):
    slices = ct_files.series(hu)
    hu[k] = np.roll(ct_files.limb(seed=77)[k], 12, axis=0)
    ct_files.set_hu(slices[k], hu[k])
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D016h"}


# --- what tilt tags claim -----------------------------------------------------------------------------
@pytest.mark.parametrize(("tag", "more"), [("-15", set()), ("25", {"CF-D007b"})])
def test_tilt_tags_of_another_sign_or_angle(tmp_path, hu, tag, more):
    slices = ct_files.series(hu, step=(0, 1.5 * np.tan(np.radians(15)), 1.5))
    everywhere(GantryDetectorTilt=tag)(slices)
    ct_files.save(slices, tmp_path)
    result = read_series(tmp_path)
    assert exact(result, hu) and warnings(result) == {"CF-D007"} | more


# --- multi-frame objects ------------------------------------------------------------------------------
def test_a_frame_without_its_position(tmp_path, hu):
    whole = ct_files.enhanced(hu)
    del whole.PerFrameFunctionalGroupsSequence[3].PlanePositionSequence
    ct_files.save([whole], tmp_path)
    refused("CF-D018", tmp_path, names=["IM0001.dcm frame 4"])


def test_frames_that_exchanged_their_positions(tmp_path, hu):
    whole = ct_files.enhanced(hu)
    groups = whole.PerFrameFunctionalGroupsSequence
    a, b = groups[3].PlanePositionSequence, groups[10].PlanePositionSequence
    groups[3].PlanePositionSequence, groups[10].PlanePositionSequence = b, a
    ct_files.save([whole], tmp_path)
    refused("CF-D004b", tmp_path, names=["frame"])


def test_fewer_frames_announced_than_there_are(tmp_path, hu):
    whole = ct_files.enhanced(hu)
    whole.NumberOfFrames = 23
    whole.PerFrameFunctionalGroupsSequence = whole.PerFrameFunctionalGroupsSequence[:23]
    ct_files.save([whole], tmp_path)
    refused("CF-D016d", tmp_path, names=["196608 bytes"])
