"""What a digital phantom is made of: bone, limb, pose and scan. Every length in mm, every angle in degrees.

Angles round the bone are those of the canal frame: 0 = anterior, 90 = towards v = s x u, the patient's left.
Depths are those of the canal frame: arc length from the resection plane, growing proximally.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sizing.anatomy import Bone, Side
from sizing.errors import InputError

KERNELS = ("smooth", "sharp")
PROFILES = ("box", "triangle", "gauss")


@dataclass(frozen=True, slots=True)
class Harmonic:
    """One wave round the bone: ``amplitude * cos(order * (theta - phase))``; the phase turns along the bone."""

    order: int
    amplitude: float
    phase_deg: float = 0.0
    twist_deg_per_100mm: float = 0.0


@dataclass(frozen=True, slots=True)
class Bump:
    """A smooth hill on a surface: a spur or a ridge outside, an island of bone inside (negative height)."""

    depth_mm: float
    angle_deg: float
    height_mm: float
    width_mm: float  # Gaussian sigma round the bone
    length_mm: float  # Gaussian sigma along the bone


@dataclass(frozen=True, slots=True)
class LyticDefect:
    """A hole through the wall, filled with tissue of ``hu``; the radius is measured on the periosteum."""

    depth_mm: float
    angle_deg: float
    radius_mm: float
    hu: float = 60.0


@dataclass(frozen=True, slots=True)
class Plug:
    """A stretch where the canal is closed by bone."""

    from_depth_mm: float
    to_depth_mm: float
    hu: float = 1100.0


@dataclass(frozen=True, slots=True)
class Pin:
    """A straight metal cylinder along the canal axis, offset along (u, v)."""

    diameter_mm: float
    u_mm: float = 0.0
    v_mm: float = 0.0
    hu: float = 8000.0  # the scanner clips it


@dataclass(frozen=True, slots=True)
class CanalShape:
    """Endosteal surface: an ellipse that turns and flares, with waves and hills on it.

    ``flare_*_mm`` is the diameter gained 100 mm away from the isthmus, growing with the square.
    """

    diameter_mm: float = 12.0  # area-equivalent at the isthmus
    ovality: float = 1.15  # long / short axis
    long_axis_deg: float = 20.0
    twist_deg_per_100mm: float = 25.0
    isthmus_depth_mm: float = 60.0
    flare_distal_mm: float = 5.0
    flare_proximal_mm: float = 3.0
    waves: tuple[Harmonic, ...] = ()  # amplitude in mm
    bumps: tuple[Bump, ...] = ()


@dataclass(frozen=True, slots=True)
class WallShape:
    """Periosteal surface: the endosteal one plus a radial wall that varies round and along."""

    wall_mm: float = 4.0
    slope_mm_per_100mm: float = 0.0  # growth of the wall proximally, from depth 0
    waves: tuple[Harmonic, ...] = (Harmonic(1, 0.12, 170.0), Harmonic(3, 0.06, 60.0, 20.0))  # share of the wall
    bumps: tuple[Bump, ...] = ()


@dataclass(frozen=True, slots=True)
class BoneTissue:
    """HU inside the periosteum. Cancellous bone fades from the endosteum inwards: ``hu * exp(-distance / decay)``."""

    cortex_hu: float = 1600.0
    cortex_waves: tuple[Harmonic, ...] = ()  # amplitude as a share of the cortex
    cortex_wave_along: float = 0.0  # share, one full wave per 80 mm
    canal_hu: float = -60.0  # fat; fluid about 20, red marrow about 40
    cancellous_hu: float = 0.0
    cancellous_decay_mm: float = 1.5
    porosity: float = 0.0  # share of the cortex's HU missing at the endosteum; none is missing at the periosteum
    porosity_power: float = 2.0  # between them it grows with this power of the distance from the periosteum


@dataclass(frozen=True, slots=True)
class BoneSpec:
    """One long bone about a curved axis.

    ``end_depth_mm`` None: the bone runs through below the resection plane; else the cut end.
    ``bow_centre_deg`` is the direction from the axis towards the centre of curvature (180: bow convex anteriorly).
    """

    canal: CanalShape = CanalShape()
    wall: WallShape = WallShape()
    tissue: BoneTissue = BoneTissue()
    bow_radius_mm: float | None = 900.0
    bow_centre_deg: float = 180.0
    bow_growth_per_100mm: float = 0.0  # share by which the curvature grows proximally
    end_depth_mm: float | None = None
    defects: tuple[LyticDefect, ...] = ()
    plugs: tuple[Plug, ...] = ()
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A second bone: offset of its axis at depth 0 from that of the first one, in LPS."""

    offset_lps: tuple[float, float, float]
    bone: BoneSpec = BoneSpec()
    own_limb: bool = False  # True: the other leg


@dataclass(frozen=True, slots=True)
class LimbSpec:
    """Soft tissue: an elliptic cylinder of muscle, fat and skin about the bone."""

    muscle_radius_mm: float = 50.0
    fat_mm: float = 12.0
    skin_mm: float = 2.0
    aspect: float = 1.1  # left-right / front-back
    end_cover_mm: float = 15.0  # soft tissue distal to a cut end
    muscle_hu: float = 55.0
    fat_hu: float = -100.0
    skin_hu: float = 20.0
    texture_hu: float = 0.0  # SD of lasting unevenness of soft tissue and marrow, unlike noise alike in every slice
    texture_mm: float = 2.5  # its grain (Gaussian sigma)
    table: bool = True


@dataclass(frozen=True, slots=True)
class PoseSpec:
    """Where the bone lies: axis point at depth 0, and how far its proximal end leans from +z towards an angle."""

    origin_lps: tuple[float, float, float] = (3.1, -2.3, 0.4)
    tilt_deg: float = 5.0
    tilt_towards_deg: float = 70.0


@dataclass(frozen=True, slots=True)
class ScanSpec:
    """The scanner. The blur across the slice is the profile (full width at half maximum = thickness), not the step."""

    pixel_mm: float = 0.7
    slice_thickness_mm: float = 1.0
    slice_step_mm: float = 1.0
    sigma_in_plane_mm: float = 0.45
    kernel: str = "smooth"
    undershoot: float = 0.35  # sharp kernel only: weight of the negative ring; below 0 a halo instead
    ring_width: float = 2.0  # sharp kernel only: sigma of the ring over sigma of the peak
    profile: str = "triangle"
    noise_hu: float = 15.0  # SD at relative dose 1
    relative_dose: float = 1.0
    field_mm: float | None = None  # square field of view about the bone; None = limb and some air


@dataclass(frozen=True, slots=True)
class PhantomSpec:
    """Everything; the same spec gives the same volume, bit for bit.

    ``length_mm`` of bone above the resection plane lie fully in the scan, ``below_mm`` below it.
    """

    name: str = "default"
    bone: Bone = Bone.FEMUR
    side: Side = Side.RIGHT
    length_mm: float = 150.0
    below_mm: float = 10.0
    shape: BoneSpec = BoneSpec()
    neighbours: tuple[Neighbour, ...] = ()
    limb: LimbSpec = LimbSpec()
    pose: PoseSpec = PoseSpec()
    scan: ScanSpec = field(default_factory=ScanSpec)
    seed: int = 1

    def __post_init__(self) -> None:
        scan, shape = self.scan, self.shape
        positive = {
            "length_mm": self.length_mm,
            "scan.pixel_mm": scan.pixel_mm,
            "scan.slice_thickness_mm": scan.slice_thickness_mm,
            "scan.slice_step_mm": scan.slice_step_mm,
            "scan.sigma_in_plane_mm": scan.sigma_in_plane_mm,
            "scan.relative_dose": scan.relative_dose,
            "shape.canal.diameter_mm": shape.canal.diameter_mm,
            "shape.wall.wall_mm": shape.wall.wall_mm,
        }
        for name, value in positive.items():
            if not value > 0:
                raise _refuse(name, value, "a positive number")
        for name, word, known in (("scan.kernel", scan.kernel, KERNELS), ("scan.profile", scan.profile, PROFILES)):
            if word not in known:
                raise _refuse(name, word, " or ".join(known))
        if not 0 <= self.pose.tilt_deg <= 60:
            raise _refuse("pose.tilt_deg", self.pose.tilt_deg, "0 to 60")
        if shape.end_depth_mm is not None and shape.end_depth_mm > 0:
            raise _refuse("shape.end_depth_mm", shape.end_depth_mm, "a cut end at or below depth 0")


def _refuse(name: str, value: object, expected: str) -> InputError:
    return InputError("CF-P001", "a phantom cannot be made from this", where=name, measured=str(value),
                      expected=expected)  # fmt: skip
