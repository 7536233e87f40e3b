"""The columns of every table of a cohort: one list each, from which header, rows and data dictionary are made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """Name (its unit at the end), kind of value ("text", "number", "count", "flag"), and what it means.

    ``own_unit`` is given where the name cannot hold the unit.
    """

    name: str
    kind: str
    meaning: str
    own_unit: str = ""

    @property
    def unit(self) -> str:
        """Unit of a number: "1" has none, as a share or a count; empty for text and flags."""
        if self.kind not in ("number", "count"):
            return ""
        return self.own_unit or _UNITS.get(self.name.rsplit("_", 1)[-1], "1")


_UNITS = {
    "mm": "mm", "mm2": "mm²", "mm3": "mm³", "mm4": "mm⁴", "deg": "degrees", "hu": "HU", "mb": "MB", "seconds": "s",
    "score": "points of 100",
}  # fmt: skip


def columns(text: str) -> tuple[Column, ...]:
    """Read lines of ``name | kind | meaning``, where needed with ``| unit``."""
    return tuple(Column(*(part.strip() for part in line.split("|"))) for line in text.strip().splitlines())


# What a row of every table begins with.
KEY = columns("""
case  | text | pseudonym of the scan, or the name that the table of cases gives
bone  | text | femur, tibia or humerus; empty where it could not be told
side  | text | left or right of the patient; empty where it could not be told
level | text | resection level as asked for: as scanned, 40 mm, bone 0.5 (share of the bone) or scan 0.5 (share of its scanned length)
""")  # noqa: E501

CASES = (
    *KEY,
    *columns("""
patient | text | pseudonym of the patient: the same for all scans with this patient ID
repeat | flag | yes: this bone of this patient stands further up already (another scan); not counted for the shelf
exit_code | count | as canalfit plan returns it: 0 fine, 10 fine with findings, 4 nothing fits, 3 refused, 70 failed
side_source | text | how the side is known: given, position or header
resection_source | text | virtual, stump end, scan end or shaft end
resect_at_mm | number | level of the virtual amputation above the lowest bone in the scan
scanned_length_mm | number | length of bone in the scan, along its axis
bone_is_whole | flag | both joint ends of the bone lie in the scan
measured_length_mm | number | length of canal that was looked at, from the resection upward
measured_share | number | mean share of the wall round the canal whose both surfaces are known
slice_step_mm | number | distance between slices
pixel_mm | number | pixel spacing
sigma_in_plane_mm | number | blur of the scan in the slice, estimated from it (standard deviation)
cortex_hu | number | HU of solid cortex, estimated from the scan
isthmus_depth_mm | number | level of the isthmus above the resection; empty: none inside what was measured
isthmus_diameter_mm | number | largest circle inside the canal at the isthmus
isthmus_diameter_se_mm | number | standard error of it
narrowest_depth_mm | number | level of the narrowest measured section, isthmus or not
narrowest_diameter_mm | number | largest circle inside the canal there
narrowest_diameter_se_mm | number | standard error of it
bow_radius_mm | number | radius of curvature of the canal; empty: straight as far as can be told
bow_sagitta_mm | number | rise of the canal's centreline over its chord
canal_flare | number | inscribed diameter at the proximal end over that at the isthmus
largest_ovality | number | (long - short axis) / mean of both, at the most oval level
wall_min_mm | number | thinnest wall before reaming
wall_min_depth_mm | number | its level above the resection
family_id | text | family of the chosen implant; empty: nothing fits
part_number | text | chosen implant
fixation | text | press-fit or threaded
diameter_mm | number | its outer diameter
length_mm | number | its length from the collar's seat
stem_bow_radius_mm | number | its bow; empty: straight
certainty | text | how well its data are known (A, B, C, X, generic, custom)
score | number | its score, 0 to 100
last_reamer_mm | number | diameter of the last reamer or drill
wall_left_mm | number | least wall left along the chosen stem
wall_left_depth_mm | number | its level above the resection
contact_share | number | share of the stem's flank that lies on bone
canal_fill | number | share of the native canal's volume that the stem takes
diametral_interference_mm | number | stem minus last reamer
graft_mm3 | number | solid bone won by reaming
second_part_number | text | best implant of another size that can serve
second_score | number | its score
size_certainty | number | chance that the chosen size serves, given the errors of the canal (docs/method/cohort.md)
size_doubt | text | sizes that drawn reamings of this bone would take, with their chances
size_is_coin_toss | flag | a second size is so likely that both belong on the table
nearest_part_number | text | where nothing fits: what comes nearest
nearest_reason | text | where nothing fits: why that one cannot serve
n_implants_tried | count | implants made for this bone that were tried
n_implants_that_can_serve | count | of these, how many can serve
n_critical | count | findings that must be resolved before the plan may be used
n_warnings | count | findings that a person should look at
findings | text | their codes, each once, separated by blanks
input_sha256 | text | hash over all files of the scan
"""),
)

# A station of the section table, by its own names.
STATION = columns("""
depth_mm | number | level above the resection, along the canal's axis
measured_share | number | share of the section's rays on which both surfaces are known
inscribed_diameter_mm | number | largest circle inside the endosteal contour
inscribed_diameter_se_mm | number | standard error of it
circumscribed_diameter_mm | number | smallest circle round the endosteal contour
minor_diameter_mm | number | short axis of the ellipse with the canal's second moments
minor_diameter_se_mm | number | standard error of it
major_diameter_mm | number | long axis of it
major_diameter_se_mm | number | standard error of it
area_diameter_mm | number | circle with the canal's area
area_diameter_se_mm | number | standard error of it
ap_diameter_mm | number | extent of the canal front to back
ml_diameter_mm | number | extent of the canal from side to side
ovality | number | (long - short axis) / mean of both
eccentricity_mm | number | distance between the centroids of canal and bone
canal_area_mm2 | number | area inside the endosteum
canal_area_se_mm2 | number | standard error of it
cortical_area_mm2 | number | area of the wall
cortical_area_se_mm2 | number | standard error of it
periosteal_minor_diameter_mm | number | short axis of the bone's outline
periosteal_major_diameter_mm | number | long axis of the bone's outline
wall_min_mm | number | thinnest wall of the section
wall_min_se_mm | number | standard error of it
wall_mean_mm | number | mean wall
wall_max_mm | number | thickest wall
moment_max_mm4 | number | larger principal second moment of the cortex
moment_min_mm4 | number | smaller principal second moment
modulus_max_mm3 | number | section modulus about the stiff axis
modulus_min_mm3 | number | section modulus about the weak axis
cortex_hu | number | mean HU of the wall
canal_hu | number | mean HU of the canal's content
""")
LEVELS = (*KEY, *STATION)

FITS = (
    *KEY,
    *columns("""
rank | count | place in the ranking, best first
chosen | flag | this is the choice
can_serve | flag | no rule excludes it
serve_probability | number | chance that it serves, given the errors of the canal (docs/method/cohort.md)
family_id | text | implant family
part_number | text | implant
fixation | text | press-fit or threaded
diameter_mm | number | outer diameter
length_mm | number | length from the collar's seat
bow_radius_mm | number | bow; empty: straight
last_reamer_mm | number | diameter of the last reamer or drill
score | number | 0 to 100
shortfall | number | how far it is from serving: missing shares of the requirements, summed; 0: it can serve
wall_min_mm | number | least wall left
wall_min_depth_mm | number | its level above the resection
reamed_wall_min_mm | number | least wall left where a tool cut into the cortex; empty: none did
contact_share | number | share of the flank on bone
contact_length_mm | number | length of full contact that would be worth the same
canal_fill_volume | number | share of the native canal's volume that the stem takes
far_end_margin_mm | number | measured bone beyond the tip
seat_angle_deg | number | axis against the normal of the cut
unmeasured_share | number | share of the wall along the stem that is not known
reason | text | why it cannot serve, or why another one is ranked before it
"""),
)

FAILURES = (
    *KEY,
    *columns("""
code | text | stable code of the reason (CF-D DICOM, CF-S segmentation, CF-C canal, CF-A application)
sentence | text | what is wrong, measured against expected, and what to do
file | text | file it is about, relative to the scan's own folder; of a whole series the first; (scan): the scan as a whole; or the line of the table of cases
final | flag | no: timeout, memory or crash; tried again with --retry-failed
"""),  # noqa: E501
)

RUNTIME = (
    KEY[0],
    *columns("""
seconds | number | time the scan took, of its last attempt
memory_mb | number | most memory its process held
attempts | count | how often it was tried
"""),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "cases": CASES,
    "levels": LEVELS,
    "fits": FITS,
    "failures": FAILURES,
    "runtime": RUNTIME,
}
