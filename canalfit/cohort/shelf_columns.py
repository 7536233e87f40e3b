"""The columns of the tables that answer for the shelf, and of the data dictionary itself."""

from __future__ import annotations

from canalfit.cohort.columns import TABLES, Column, columns

_SCOPE = columns("""
scope | text | all rows, those of one bone, or those of one level
""")
_COUNTED = columns("""
n_rows | count | bones (each once per level) that hold a plan; also those that nothing serves
n_people | count | people they belong to: the number of observations behind every interval
""")
_INTERVAL = columns("""
share_low | number | lower end of its 95 % interval (Wilson, people as observations)
share_high | number | upper end of it
""")
_ASKED = columns("""
doubt | text | which sizes count: as measured, or certain to a chance (docs/method/cohort.md)
share_asked | number | share of the rows that the set is to serve
""")

COVERAGE = (
    *_SCOPE,
    *columns("""
by | text | what the sizes are grouped by: catalogue (all of them), family, diameter_mm or length_mm
value | text | the family, diameter or length, the last two in mm; empty for the whole catalogue
"""),
    *_COUNTED,
    *columns("""
n_served | count | rows that at least one of these sizes can serve
share | number | share of the rows
"""),
    *_INTERVAL,
)
SETS = (
    *_SCOPE,
    *_ASKED,
    *_COUNTED,
    *columns("""
share_whole_catalogue | number | share of the rows that the whole catalogue serves
n_sizes | count | sizes in the smallest set; empty: the share cannot be reached
share_served | number | share of the rows that the set serves
"""),
    *_INTERVAL,
    *columns("""
share_of_new_people | number | share of the rows served by sets chosen without their people; empty: too few people
proven_smallest | flag | the solver has proven that no smaller set does; no: it ran out of time
says | text | why there is no set
"""),
)
SIZES = (
    *_SCOPE,
    *_ASKED,
    *columns("""
part_number | text | size in the set
family_id | text | its family
diameter_mm | number | its outer diameter
length_mm | number | its length from the collar's seat
n_served | count | rows that it can serve
n_served_by_no_other | count | rows that no other size of the set can serve
"""),
)
CUSTOM = (
    *TABLES["fits"][:4],
    *columns("""
patient | text | pseudonym of the patient
nearest_part_number | text | what comes nearest
reason | text | why it cannot serve
"""),
)
DISTRIBUTIONS = columns("""
bone | text | femur, tibia or humerus
level | text | resection level as asked for
group | text | group column whose values are told apart; empty: all rows of the bone and level
value | text | value of the group column
measure | text | column of cases.csv that is described; its unit is that of the numbers
n | count | rows in which it is known
mean | number | mean | as the measure
sd | number | standard deviation (n - 1); empty: one value | as the measure
p05 | number | 5th percentile | as the measure
median | number | median | as the measure
p95 | number | 95th percentile | as the measure
median_low | number | lower end of the median's interval of at least 95 %, by order statistics; empty: below six values | as the measure
median_high | number | upper end of it | as the measure
""")  # noqa: E501
DICTIONARY = columns("""
table | text | file
column | text | column of it
kind | text | text, number, count, or flag (yes, no); an empty cell is “cannot tell” or “does not apply”
unit | text | unit of its numbers; 1: none, as of a share
meaning | text | what it is
""")

ANSWERS: dict[str, tuple[Column, ...]] = {
    "coverage": COVERAGE,
    "shelf": SETS,
    "shelf_sizes": SIZES,
    "custom": CUSTOM,
    "distributions": DISTRIBUTIONS,
    "dictionary": DICTIONARY,
}


def names_of(table: str) -> list[str]:
    """Return the header of one of these tables."""
    return [column.name for column in ANSWERS[table]]
