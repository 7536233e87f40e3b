"""What a researcher does with the results of ``canalfit cohort``: pandas, a few lines each.

Usage: read_cohort.py RESULTS
"""

import sys
from pathlib import Path

import pandas as pd


def main(results: Path) -> None:
    """Print how many bones were planned, what their canals are like, and which sizes serve most of them."""
    cases = pd.read_csv(results / "cases.csv")
    fits = pd.read_csv(results / "fits.csv")
    planned = cases[cases.exit_code.isin([0, 4, 10]) & (cases.repeat != "yes")]
    print(
        f"{len(planned)} of {len(cases)} rows hold a plan; {planned.part_number.notna().sum()} have a stem that serves"
    )
    print(planned.groupby(["bone", "level"])[["narrowest_diameter_mm", "wall_min_mm"]].median().round(1))
    serves = fits[fits.can_serve == "yes"].groupby("part_number").case.nunique().sort_values(ascending=False)
    print("sizes that serve most scans:")
    print(serves.head(5).to_string())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: read_cohort.py RESULTS")
    main(Path(sys.argv[1]))
