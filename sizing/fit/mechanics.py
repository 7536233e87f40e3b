"""Press-fit mechanics for ranking and warnings: thick-walled tube, composite section, beam in its bed.

Every number here is an estimate or a relative index, never a prediction of force, motion or fracture;
see docs/method/mechanics.md for what each assumes. Lengths in mm, forces in N, moduli and stresses in MPa.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Materials:
    """Elastic constants. The bone's are textbook values, not this patient's.

    Attributes
    ----------
    bone_transverse_mpa, bone_poisson : float
        Cortex across its axis, for the tube.
    bone_axial_mpa : float
        Cortex along its axis, for bending.
    implant_mpa, implant_poisson : float
        Titanium alloy.
    hoop_strain_limit : float
        Strain at which cortex across its axis is taken to be at its limit (about 51 MPa / 11.5 GPa).
    """

    bone_transverse_mpa: float = 11_500.0
    bone_poisson: float = 0.4
    bone_axial_mpa: float = 17_000.0
    implant_mpa: float = 110_000.0
    implant_poisson: float = 0.3
    hoop_strain_limit: float = 0.0045


@dataclass(frozen=True, slots=True)
class TubePressure:
    """Pressure between stem and tube, and what it does to the tube's wall."""

    pressure_mpa: float
    hoop_stress_bore_mpa: float
    hoop_strain_bore: float
    hoop_stress_outer_mpa: float
    hoop_strain_outer: float


def tube_pressure(
    elastic_interference_mm: float,
    bore_radius_mm: float,
    outer_radius_mm: float,
    materials: Materials | None = None,
    stem_hole_radius_mm: float = 0.0,
) -> TubePressure:
    """Press a stem into a closed, concentric tube of bone (Lamé, plane stress, no friction).

    Parameters
    ----------
    elastic_interference_mm : float
        Diametral, the part that deforms bone elastically. Never the nominal interference: of half a
        millimetre most is shaved off and crushed.
    bore_radius_mm, outer_radius_mm : float
        Of the tube; the least wall round the stem is the cautious choice.
    materials : Materials, optional
        Elastic constants.
    stem_hole_radius_mm : float
        Of a hollow stem.

    Returns
    -------
    TubePressure

    Raises
    ------
    ValueError
        The wall is breached or nothing is left of it: the model does not hold.
    """
    m = materials or Materials()
    r, ro, c = bore_radius_mm, outer_radius_mm, stem_hole_radius_mm
    if not (0 <= c < r < ro):
        raise ValueError(f"a tube needs 0 <= hole < bore < outer radius, got {c:g}, {r:g}, {ro:g} mm")
    wall = (ro**2 + r**2) / (ro**2 - r**2)
    hollow = (r**2 + c**2) / (r**2 - c**2)
    give = (wall + m.bone_poisson) / m.bone_transverse_mpa + (hollow - m.implant_poisson) / m.implant_mpa
    p = elastic_interference_mm / (2 * r) / give
    outer = 2 * p * r**2 / (ro**2 - r**2)
    return TubePressure(
        pressure_mpa=p,
        hoop_stress_bore_mpa=p * wall,
        hoop_strain_bore=p * (wall + m.bone_poisson) / m.bone_transverse_mpa,
        hoop_stress_outer_mpa=outer,
        hoop_strain_outer=outer / m.bone_transverse_mpa,
    )


@dataclass(frozen=True, slots=True)
class CompositeSection:
    """Bone and stem sharing a load over one section. Shares 0..1.

    Attributes
    ----------
    bone_axial_share, bone_bending_share : float
        What the bone carries when both are bonded.
    section_modulus_ratio, area_ratio : float
        Of the bone, after reaming over before.
    """

    bone_axial_share: float
    bone_bending_share: float
    section_modulus_ratio: float
    area_ratio: float


def composite_section(
    bone_before: tuple[float, float],
    bone_after: tuple[float, float],
    stem_radius_mm: float,
    materials: Materials | None = None,
) -> CompositeSection:
    """Share axial load and bending between bone and a round solid stem on the same centre.

    Parameters
    ----------
    bone_before, bone_after : (area mm2, second moment mm4)
        Of the cortex about the bending axis, before and after reaming.
    stem_radius_mm : float
        Of the stem.
    materials : Materials, optional
        Elastic constants.
    """
    m = materials or Materials()
    (area_0, moment_0), (area, moment) = bone_before, bone_after
    stem_area, stem_moment = np.pi * stem_radius_mm**2, np.pi * stem_radius_mm**4 / 4
    axial, bending = m.bone_axial_mpa * area, m.bone_axial_mpa * moment
    return CompositeSection(
        bone_axial_share=axial / (axial + m.implant_mpa * stem_area),
        bone_bending_share=bending / (bending + m.implant_mpa * stem_moment),
        section_modulus_ratio=moment / moment_0,  # the outer fibre stays where it is
        area_ratio=area / area_0,
    )


@dataclass(frozen=True)
class BeddedStem:
    """A stem bent in an elastic bed. Arrays follow the stations.

    Attributes
    ----------
    beta_per_mm : float
        (k / 4 EI)^(1/4): the bed is felt over about pi / beta.
    deflection_mm, moment_nmm : (n,) arrays
    line_load_max_n_per_mm : float
        Largest bed reaction per length of stem.
    """

    beta_per_mm: float
    station_mm: FloatArray
    deflection_mm: FloatArray
    moment_nmm: FloatArray
    line_load_max_n_per_mm: float


def bedded_stem(
    bending_stiffness_nmm2: float,
    bed_mpa: float,
    length_mm: float,
    moment_nmm: float,
    force_n: float,
    n_stations: int = 2001,
) -> BeddedStem:
    """Bend a free-free beam on a Winkler bed by a moment and a side force at its collar.

    Parameters
    ----------
    bending_stiffness_nmm2 : float
        EI of the stem.
    bed_mpa : float
        Bed modulus k: reaction per length and deflection.
    length_mm : float
        Of the bedded part.
    moment_nmm, force_n : float
        At the collar.
    n_stations : int
        Equally spaced from collar to tip.

    Notes
    -----
    Closed form: EI y'''' + k y = 0 with y'' and y''' given at the collar and zero at the tip.
    """
    beta = (bed_mpa / (4 * bending_stiffness_nmm2)) ** 0.25
    x = np.linspace(0.0, length_mm, n_stations)
    ends = np.array([0.0, length_mm])
    second, third = _derivatives(beta, length_mm, ends, 2), _derivatives(beta, length_mm, ends, 3)
    rows = np.stack([second[0], third[0] / beta, second[1], third[1] / beta])
    load = np.array([moment_nmm, force_n / beta, 0.0, 0.0]) / bending_stiffness_nmm2
    scale = beta**2
    weights = np.linalg.solve(rows / scale, load / scale)
    y = _derivatives(beta, length_mm, x, 0) @ weights
    return BeddedStem(
        beta_per_mm=beta,
        station_mm=x,
        deflection_mm=y,
        moment_nmm=bending_stiffness_nmm2 * (_derivatives(beta, length_mm, x, 2) @ weights),
        line_load_max_n_per_mm=bed_mpa * float(np.abs(y).max()),
    )


def _derivatives(beta: float, length: float, x: FloatArray, order: int) -> FloatArray:
    """Return the order-th derivative (n, 4) of the four solutions, two dying from the collar, two from the tip.

    Written as the real and imaginary parts of exp(s x), s = beta (-1 + i) from the collar and
    beta (1 + i) from the tip, so that no exponential grows.
    """
    from_collar, from_tip = beta * (-1 + 1j), beta * (1 + 1j)
    a = from_collar**order * np.exp(from_collar * x)
    b = from_tip**order * np.exp(from_tip * (x - length))
    return np.stack([a.real, a.imag, b.real, b.imag], axis=-1)
