"""A stem as an exact boundary representation, written as STEP through Open CASCADE (extra ``[cad]``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from sizing.errors import UsageError
from sizing.geometry import FloatArray
from sizing.implants.shape import StemShape
from sizing.implants.solid import StemSolid, hole_axis_mm, mesh_stations_mm

NO_CAD_KERNEL = "STEP needs the CAD kernel: pip install 'canalfit[cad]'. STL and 3MF are written without it."
# Points of one section that a periodic cubic spline goes through: 2 pi r / 120 apart, error below 1e-5 mm.
_SPLINE_POINTS = 120
# A cosine told by so many points per wave is told to 1e-4 of its height.
_POINTS_PER_RIB = 16
# A section this small is a point for the kernel; the tip is closed flat there. Its volume is below 1e-6 mm3.
_SMALLEST_TIP_RADIUS_MM = 0.02
# The time stamp of every STEP file.
_NO_TIME = "1970-01-01T00:00:00"
# Relative error that the kernel may leave in a volume; the solid itself may be off by 5e-4.
_VOLUME_TOLERANCE = 1e-6


def cad_kernel_available() -> bool:
    """Return True if Open CASCADE can be imported; a kernel that is there and does not load is none."""
    try:
        import OCP.gp  # noqa: F401
    except ImportError:
        return False
    return True


def _is_round_and_straight(shape: StemShape) -> bool:
    return (
        shape.free_radius_mm is None and shape.splines is None and shape.bow_radius_mm is None
        and not shape.offset_mm.any() and bool(np.all(shape.exponent == 2))
        and bool(np.all(shape.semi_axes_mm[:, 0] == shape.semi_axes_mm[:, 1]))
    )  # fmt: skip


def solid_shape(solid: StemSolid) -> Any:
    """Return the solid as an Open CASCADE ``TopoDS_Shape`` in the implant frame, mm.

    Round straight stems are revolved (exact cylinders and cones); others are ruled between sections, as the
    section table says.

    Raises
    ------
    UsageError
        If the CAD kernel is not installed.
    """
    if not cad_kernel_available():
        raise UsageError(NO_CAD_KERNEL)
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut, BRepAlgoAPI_Fuse
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeCylinder
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt

    body = _revolved(solid.shape) if _is_round_and_straight(solid.shape) else _ruled(solid.shape)
    if solid.collar is not None:
        seat = gp_Ax2(gp_Pnt(0, 0, -solid.collar.thickness_mm), gp_Dir(0, 0, 1))
        disc = BRepPrimAPI_MakeCylinder(seat, solid.collar.diameter_mm / 2, solid.collar.thickness_mm).Shape()
        body = BRepAlgoAPI_Fuse(body, disc).Shape()
    for hole in solid.holes:
        centre, along = hole_axis_mm(solid.shape, hole)
        reach = 2.0 * float(solid.shape.semi_axes_mm.max() + np.abs(solid.shape.offset_mm).max())
        if solid.shape.free_radius_mm is not None:
            reach = 2.0 * float(solid.shape.free_radius_mm.max())
        start = centre - reach * along
        frame = gp_Ax2(gp_Pnt(*map(float, start)), gp_Dir(*map(float, along)))
        body = BRepAlgoAPI_Cut(body, BRepPrimAPI_MakeCylinder(frame, hole.diameter_mm / 2, 2 * reach).Shape()).Shape()
    return body


def _polyline_wire(points: FloatArray) -> Any:
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakePolygon
    from OCP.gp import gp_Pnt

    builder = BRepBuilderAPI_MakePolygon()
    for p in points:
        builder.Add(gp_Pnt(*map(float, p)))
    builder.Close()
    return builder.Wire()


def _revolved(shape: StemShape) -> Any:
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeFace
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeRevol
    from OCP.gp import gp_Ax1, gp_Dir, gp_Pnt

    radius = shape.semi_axes_mm[:, 0]
    outline = np.stack([radius, np.zeros_like(radius), shape.station_mm], axis=1)
    foot = [(0.0, 0.0, 0.0)]
    head = [] if radius[-1] == 0 else [(0.0, 0.0, shape.length_mm)]
    face = BRepBuilderAPI_MakeFace(_polyline_wire(np.concatenate([foot, outline, *([head] if head else [])]))).Face()
    return BRepPrimAPI_MakeRevol(face, gp_Ax1(gp_Pnt(0, 0, 0), gp_Dir(0, 0, 1))).Shape()


def _section_wire(points: FloatArray) -> Any:
    """A closed cubic spline through the points (n, 3) of one section, its parameter the turn.

    With the kernel's own parameter, the length of chords, straight lines between two sections join different angles
    where ribs run out: 12 ribs of 1 mm were 0.07 mm off.
    """
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeEdge, BRepBuilderAPI_MakeWire
    from OCP.collections import HArray1_double, HArray1_gp_Pnt
    from OCP.GeomAPI import GeomAPI_Interpolate
    from OCP.gp import gp_Pnt

    array = HArray1_gp_Pnt(1, len(points))
    for i, p in enumerate(points, 1):
        array.SetValue(i, gp_Pnt(*map(float, p)))
    turn = HArray1_double(1, len(points) + 1)  # periodic: the last one is the first again
    for i in range(len(points) + 1):
        turn.SetValue(i + 1, i / len(points))
    spline = GeomAPI_Interpolate(array, turn, True, 1e-9)
    spline.Perform()
    return BRepBuilderAPI_MakeWire(BRepBuilderAPI_MakeEdge(spline.Curve()).Edge()).Wire()


def _ruled(shape: StemShape) -> Any:
    from OCP.BRepOffsetAPI import BRepOffsetAPI_ThruSections

    n = _SPLINE_POINTS if shape.splines is None else max(_SPLINE_POINTS, _POINTS_PER_RIB * shape.splines.count)
    phi = np.arange(n) * (2 * np.pi / n)
    stations = mesh_stations_mm(shape) if _turns(shape) else shape.breaks_mm
    loft = BRepOffsetAPI_ThruSections(True, True, 1e-6)
    loft.CheckCompatibility(False)  # every wire is one edge that starts at the same angle
    for ring in shape.points_mm(stations, phi):
        if np.ptp(ring, axis=0).max() < 2 * _SMALLEST_TIP_RADIUS_MM:
            ring = _small_tip(ring, phi)
        loft.AddWire(_section_wire(ring))
    loft.Build()
    return loft.Shape()


def _turns(shape: StemShape) -> bool:
    """Return True where straight lines between the table's rows would leave the design."""
    return shape.bow_radius_mm is not None or bool(np.ptp(shape.orientation_deg)) or bool(np.ptp(shape.exponent))


def _small_tip(ring: FloatArray, phi: FloatArray) -> FloatArray:
    disc = np.stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)], axis=1)
    return ring.mean(0) + _SMALLEST_TIP_RADIUS_MM * disc


def cad_volume_mm3(shape: Any) -> float:
    """Volume of a boundary representation."""
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps

    properties = GProp_GProps()
    # Without a tolerance the kernel integrates splines with too few points: off by 0.4 % on an elliptic stem.
    BRepGProp.VolumeProperties_s(shape, properties, _VOLUME_TOLERANCE)
    return abs(float(properties.Mass()))


def write_step(shape: Any, path: Path, schema: str = "AP214") -> None:
    """Write a boundary representation as STEP (AP214 or AP242) in mm; never leaves half a file.

    The header names no path and no time, so that equal solids give equal files.
    """
    from OCP.APIHeaderSection import APIHeaderSection_MakeHeader
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.Interface import Interface_Static
    from OCP.Message import Message
    from OCP.STEPControl import STEPControl_StepModelType, STEPControl_Writer
    from OCP.TCollection import TCollection_HAsciiString

    messages = Message.DefaultMessenger_s()
    for printer in list(messages.Printers()):
        messages.RemovePrinter(printer)  # the kernel's own talk would stand among our data on stdout
    writer = STEPControl_Writer()
    Interface_Static.SetCVal_s("write.step.unit", "MM")
    Interface_Static.SetCVal_s("write.step.product.name", path.stem)
    Interface_Static.SetCVal_s("write.step.schema", {"AP214": "AP214IS", "AP242": "AP242DIS"}[schema])
    writer.Transfer(shape, STEPControl_StepModelType.STEPControl_AsIs)
    header = APIHeaderSection_MakeHeader(writer.Model())
    header.SetName(TCollection_HAsciiString(path.name))
    header.SetTimeStamp(TCollection_HAsciiString(_NO_TIME))
    temporary = path.with_name(path.name + ".part")
    if writer.Write(str(temporary)) != IFSelect_ReturnStatus.IFSelect_RetDone:
        raise OSError(f"STEP could not be written to {path}")
    # The kernel counts the products of one process and writes the count into the name.
    text = re.sub(rf"'{re.escape(path.stem)} \d+'", f"'{path.stem}'", temporary.read_text(encoding="latin-1"))
    temporary.write_text(text, encoding="latin-1")
    temporary.replace(path)


def mesh_of_step(path: Path, deviation_mm: float) -> tuple[FloatArray, np.ndarray]:
    """Read a STEP file and return its facets: vertices (v, 3) in mm and triangles (f, 3).

    Raises
    ------
    UsageError
        If the CAD kernel is not installed.
    ValueError
        If the file holds no solid.
    """
    if not cad_kernel_available():
        raise UsageError(f"{path.name}: reading STEP needs the CAD kernel: pip install 'canalfit[cad]', or give an STL")
    from OCP.BRep import BRep_Tool
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.STEPControl import STEPControl_Reader
    from OCP.TopAbs import TopAbs_FACE, TopAbs_REVERSED
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopLoc import TopLoc_Location
    from OCP.TopoDS import TopoDS

    reader = STEPControl_Reader()
    if reader.ReadFile(str(path)) != IFSelect_ReturnStatus.IFSelect_RetDone or not reader.TransferRoots():
        raise ValueError("no solid in it")
    shape = reader.OneShape()
    BRepMesh_IncrementalMesh(shape, deviation_mm, False, 0.1, False)
    vertices: list[tuple[float, float, float]] = []
    faces: list[tuple[int, int, int]] = []
    explorer = TopExp_Explorer(shape, TopAbs_FACE)
    while explorer.More():
        face = TopoDS.Face(explorer.Current())
        place = TopLoc_Location()
        facets = BRep_Tool.Triangulation_s(face, place)
        if facets is not None:
            first = len(vertices) - 1
            for i in range(1, facets.NbNodes() + 1):
                p = facets.Node(i).Transformed(place.Transformation())
                vertices.append((p.X(), p.Y(), p.Z()))
            turned = face.Orientation() == TopAbs_REVERSED
            for i in range(1, facets.NbTriangles() + 1):
                a, b, c = (first + n for n in facets.Triangle(i).Get())
                faces.append((a, c, b) if turned else (a, b, c))
        explorer.Next()
    if not faces:
        raise ValueError("no solid in it")
    return np.array(vertices), np.array(faces)
