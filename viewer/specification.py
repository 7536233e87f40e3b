"""Writes a custom stem's specification: ``spec.pdf`` and ``spec.html``. Says what the record holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import viewer.facts as facts
import viewer.style as style
from sizing.customise import CustomPlan
from sizing.intended_use import RESEARCH_USE
from sizing.specification import TABLE_STEP_MM
from sizing.spelling import wall_text
from viewer.page_frame import LEFT, RIGHT, WIDTH, ReportCase, frame
from viewer.paint import Sheet, legend
from viewer.stem_drawing import section_pane, side_pane, wall_pane, zone_role

_PAGES = 3
_SECTIONS = 6
# Under the drawings there is room for so many; more are listed beside them.
_ZONES_IN_LEGEND = 3
_LEGEND = [("chart stem", "stem, coating included"), ("chart reamer", "hole after preparation"),
           ("bone outline", "outer bone")]  # fmt: skip
TABLE_COLUMNS = (
    ("station_mm", "station", 0), ("semi_axis_a_mm", "a", 2), ("semi_axis_b_mm", "b", 2), ("exponent", "exp.", 1),
    ("orientation_deg", "turn °", 1), ("offset_x_mm", "off x", 2), ("offset_y_mm", "off y", 2),
    ("area_mm2", "area mm²", 1), ("section_modulus_x_mm3", "Zx mm³", 0), ("section_modulus_y_mm3", "Zy mm³", 0),
    ("diametral_interference_mm", "interf.", 2), ("hole_radius_min_mm", "hole min", 2),
    ("hole_radius_max_mm", "hole max", 2), ("wall_left_min_mm", "wall left", 1), ("tolerance_mm", "tolerance", 2),
)  # fmt: skip

_TABLE_NOTE = (
    "Lengths in mm. a lies along the turn, counted from x; offsets from the stem's axis. Interference is diametral and "
    "nominal, coating included. The page shows every 5 mm; sections.csv holds every row of the table, and between its "
    "rows the numbers are linear. The shape that is made is the table of spec.json."
)
_FREE_NOTE = (
    " This stem is a free form: a and b are its largest and smallest radius; its outline is in contours.csv, and "
    "exactly in spec.json."
)


def write_specification(custom: CustomPlan, record: dict[str, Any], case: ReportCase, folder: Path) -> None:
    """Write ``spec.pdf`` (three pages, byte-stable) and ``spec.html`` (self-contained) into a folder.

    Parameters
    ----------
    custom : CustomPlan
        Gives the drawings.
    record : dict
        The sealed specification record; every number on the pages is one of it.
    case : ReportCase
        The plan it was designed from.
    folder : Path
        Must exist.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    about = {"Title": f"canalfit custom stem specification {record['specification_id']}", "CreationDate": None,
             "Creator": f"canalfit {case.provenance.canalfit_version}", "Subject": "Research use only"}  # fmt: skip
    with PdfPages(folder / "spec.pdf", metadata=about) as pdf:
        for page in (_form_page, _table_page, _decision_page):
            pdf.savefig(page(custom, record, case).figure)
    _write_html(custom, record, case, folder / "spec.html")


def _head(sheet: Sheet, record: dict[str, Any], case: ReportCase, number: int, title: str) -> None:
    frame(sheet, case, number, title, _PAGES)
    sheet.text(LEFT, 20.0, f"{facts.heading(case.plan)}", 17, bold=True, colour=style.ACCENT)
    sheet.text(RIGHT, 20.0, f"{record['specification_id']}  version {record['version']}", 10, bold=True, align="right")
    replaces = f"supersedes {record['supersedes']}" if record["supersedes"] else "supersedes nothing"
    sheet.text(LEFT, 25.4, f"{facts.case_name(case.plan)} · {facts.cut_text(case.plan)}", 8, bold=True)
    sheet.text(RIGHT, 25.4, f"{replaces} · specification {record['sha256'][:16]}", 7, colour=style.GREY, align="right")


def _form_page(custom: CustomPlan, record: dict[str, Any], case: ReportCase) -> Sheet:
    sheet = Sheet()
    _head(sheet, record, case, 1, "custom stem specification")
    sheet.paragraph(LEFT, 31.0, record["not_a_prescription"], WIDTH, 8, colour=style.DEEP_WARM)
    sheet.paragraph(LEFT, 37.0, f"Datum: {record['datum']['words']}", WIDTH, 7.5)
    for i, plane in enumerate(("bow", "across")):
        sheet.pane(side_pane(custom, plane), LEFT + 6 + i * 58.0, 51.0, 50.0, 124.0)
    told = ("zones",) if 0 < len(record["form"]["zones"]) <= _ZONES_IN_LEGEND else ()
    y = _pairs(sheet, 132.0, 50.0, [pair for pair in form_pairs(record) if pair[0] not in told])
    shape = custom.design.implant.stem_shape
    zones = [(zone_role(i), zone_words(zone)) for i, zone in enumerate(record["form"]["zones"])]
    for i, zone in enumerate(zones[:_ZONES_IN_LEGEND]):
        legend(sheet, LEFT, 178.0 + 3.3 * i, [zone], 6.2)
    top = max(193.0, y + 4.0)
    step = WIDTH / _SECTIONS
    for i, station in enumerate(section_stations(shape.length_mm, _SECTIONS, record)):
        sheet.pane(section_pane(custom.design, station), LEFT + i * step, top, step - 2.0, step - 2.0)
    sheet.text(LEFT, top - 5.0, "Sections seen from the cut end, mm above the facing plane", 8.5, bold=True)
    legend(sheet, LEFT, top + step + 2.0, _LEGEND)
    y = top + step + 9.0
    sheet.text(LEFT, y, "Required and empty: only the maker can give", 8.5, bold=True)
    sheet.text(110.0, y, "Required and empty: only the prescriber can give", 8.5, bold=True)
    _empty_fields(sheet, LEFT, y + 5.0, record["required_from_the_maker"], 92.0)
    _empty_fields(sheet, 110.0, y + 5.0, record["required_from_the_prescriber"], 88.0)
    return sheet


def section_stations(length_mm: float, count: int, record: dict[str, Any]) -> list[float]:
    """Return stations of the drawn sections: evenly spaced, the nearest one moved to each screw hole."""
    stations = [float(round(length_mm * i / (count - 1) * 0.94)) for i in range(count)]
    for hole in record["form"]["holes"][: count - 1]:
        apart = [abs(s - hole["station_mm"]) for s in stations]
        stations[apart.index(min(apart))] = float(hole["station_mm"])
    return sorted(stations)


def zone_words(zone: dict[str, Any]) -> str:
    """Return a zone with its stations, its fit and its coating."""
    fit = zone["diametral_interference_mm"]
    meant = "line to line" if fit == 0 else f"{'interference' if fit > 0 else 'gap'} {abs(fit):g} mm (diametral)"
    coating = f", coating {zone['coating_thickness_mm']:g} mm" if zone["coating_thickness_mm"] else ""
    return f"{zone['name']}: {zone['from_station_mm']:g} to {zone['to_station_mm']:g} mm, {meant}{coating}"


def hole_words(hole: dict[str, Any]) -> str:
    """Return a screw hole with its dimensions."""
    return f"⌀ {hole['diameter_mm']:g} mm at {hole['station_mm']:g} mm, {hole['direction_deg']:g}° from x"


def form_pairs(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and value of the stem's form, preparation and solid."""
    form, solid, wall, prep = record["form"], record["solid"], record["wall"], record["preparation"]
    broach = prep["broach"]
    reamers = [f"{r['diameter_mm']:g}" for r in prep["reamers"]]
    least = wall["least_where_cut_mm"]
    deepest = max((r["depth_mm"] for r in prep["reamers"]), default=0.0)
    return [
        ("length", f"{form['length_mm']:g} mm"),
        ("largest diameter", f"{form['largest_diameter_mm']:.2f} mm"),
        ("section, profile", f"{form['section']}, {form['profile']}"),
        ("bow radius", f"{record['datum']['bow_radius_mm']:g} mm" if record["datum"]["bow_radius_mm"] else "straight"),
        ("tip", f"{form['tip']['form']}, {form['tip']['length_mm']:g} mm"),
        ("collar", f"⌀ {form['collar']['diameter_mm']:.2f} × {form['collar']['thickness_mm']:g} mm, square"),
        ("splines", f"{form['splines']['count']} × {form['splines']['height_mm']:g} mm" if form["splines"] else "none"),
        ("zones", "; ".join(map(zone_words, form["zones"])) or "none stated"),
        ("holes", "; ".join(map(hole_words, form["holes"])) or "none"),
        ("adapter", form["adapter"] or "open"),
        ("reamers in order", ", ".join(reamers) + f" mm, to {deepest:.0f} mm depth" if reamers else "unreamed"),
        ("broach", f"stem's own shape, up to {broach['largest_cut_per_side_mm']:g} mm per side" if broach else "none"),
        ("least wall where cut", "nothing is cut" if least is None
         else f"{wall_text(least)} mm, at least {wall_text(wall['limit_mm'])} wanted"),
        ("goes in", f"yes, least clearance {record['insertion']['least_clearance_mm']:.3f} mm"
         if record["insertion"]["goes_in"] else "NO"),
        ("volume", f"{solid['volume_mm3'] / 1000:.2f} ml, {solid['volume_is']}"),
        ("mass", f"{solid['mass_g']:.0f} g at {solid['mass_assumes']}"),
        ("mesh against table", f"{solid['mesh_deviation_worst_mm']:.4f} mm at worst"),
        ("STEP against table", solid["step_note"] if solid["step_volume_relative"] is None
         else f"volume {solid['step_volume_relative']:+.1e}"),
    ]  # fmt: skip


def _pairs(sheet: Sheet, x: float, y: float, pairs: list[tuple[str, str]]) -> float:
    for name, value in pairs:
        sheet.text(x, y, name, 6.5, colour=style.GREY)
        y = sheet.paragraph(x, y + 3.2, value, RIGHT - x, 7.2, bold=True) + 0.5
    return y


def field_words(name: str) -> str:
    """Return a field that somebody has to fill in, with its unit."""
    ending = next((e for e in ("_mm", "_um") if name.endswith(e)), "")
    unit = {"_mm": ", mm", "_um": ", µm", "": ""}[ending]
    return name.removesuffix(ending).replace("_", " ") + unit


def _empty_fields(sheet: Sheet, x: float, y: float, fields: dict[str, Any], width: float) -> None:
    for name in fields:
        sheet.text(x, y, field_words(name), 7)
        sheet.line((x + 44.0, x + width), (y + 0.6, y + 0.6), style.GREY, 0.5)
        y += 4.2


def _table_page(custom: CustomPlan, record: dict[str, Any], case: ReportCase) -> Sheet:
    sheet = Sheet()
    _head(sheet, record, case, 2, "section table")
    y = _section_table(sheet, record, 34.0)
    sheet.paragraph(LEFT, y + 2.0, table_note(record), WIDTH, 7, colour=style.GREY)
    sheet.pane(wall_pane(custom), LEFT + 8.0, y + 18.0, 70.0, min(110.0, 268.0 - y - 18.0))
    legend(sheet, LEFT + 8.0, y + 13.0, [("chart stem", "after preparation"), ("bone outline", "native"),
                                         ("limit", "limit")])  # fmt: skip
    return sheet


def table_note(record: dict[str, Any]) -> str:
    """Return how the section table is to be read."""
    return _TABLE_NOTE + (_FREE_NOTE if record["form"]["section"] == "free" else "")


def _section_table(sheet: Sheet, record: dict[str, Any], y: float) -> float:
    step = WIDTH / len(TABLE_COLUMNS)
    for i, (_, title, _) in enumerate(TABLE_COLUMNS):
        sheet.text(LEFT + (i + 1) * step - 1.0, y, title, 6, colour=style.GREY, align="right")
    sheet.line((LEFT, RIGHT), (y + 1.2, y + 1.2), style.GREY, 0.5)
    for row in printed_rows(record):
        y += 4.0
        for i, (key, _, decimals) in enumerate(TABLE_COLUMNS):
            sheet.text(LEFT + (i + 1) * step - 1.0, y, cell(row[key], decimals, key), 6.4, align="right")
    return y + 4.0


def printed_rows(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the section table that a page has room for: every 5 mm, and the tip."""
    rows = record["sections"]
    return [row for row in rows[:-1] if row["station_mm"] % TABLE_STEP_MM == 0] + rows[-1:]


def cell(value: float | None, decimals: int, key: str = "") -> str:
    """Return a number of the table; a tolerance is empty until the maker gives it."""
    if value is None:
        return "____" if key == "tolerance_mm" else "cannot tell"
    if key == "station_mm" and value != round(value):
        decimals = 1  # rows of the tip stand close together
    return f"{value + 0.0:.{decimals}f}"


def _decision_page(custom: CustomPlan, record: dict[str, Any], case: ReportCase) -> Sheet:
    sheet = Sheet()
    _head(sheet, record, case, 3, "why, doubts, open questions")
    y = _comparison(sheet, record, 36.0)
    y = _titled(sheet, y + 8.0, "How well the canal was measured", doubt_lines(record))
    y = _titled(sheet, y + 6.0, "Open questions", record["open_questions"])
    y = max(y + 8.0, 246.0)
    sheet.text(LEFT, y, "Sign-off", 9, bold=True)
    _empty_fields(sheet, LEFT, y + 6.0, record["sign_off"], 120.0)
    return sheet


def _comparison(sheet: Sheet, record: dict[str, Any], y: float) -> float:
    compared = record["comparison"]
    sheet.text(LEFT, y, "Custom against stock", 9, bold=True)
    columns = (LEFT, LEFT + 66.0, LEFT + 100.0, LEFT + 146.0)
    for x, title in zip(columns, ("", "custom", *compared["best_stock"]), strict=False):
        sheet.text(x, y + 5.0, title, 7, colour=style.GREY)
    y += 6.2
    sheet.line((LEFT, RIGHT), (y, y), style.GREY, 0.5)
    for title, texts in compared_rows(record):
        y += 4.8
        sheet.text(columns[0], y, title, 7.5)
        for x, text in zip(columns[1:], texts, strict=False):
            sheet.text(x, y, text, 7.5, bold=x == columns[1])
    y = sheet.paragraph(LEFT, y + 7.0, compared["verdict"], WIDTH, 8)
    for sentence in compared["not_told"]:
        y = sheet.paragraph(LEFT, y + 1.0, sentence, WIDTH, 7.5)
    return sheet.paragraph(LEFT, y + 1.0, wall_note(record), WIDTH, 7.5)


def compared_rows(record: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return name with unit, and the text of the custom stem and each stock stem, of every measure."""
    measures = {m["name"]: (m["unit"], [m["custom"], *m["stock"]]) for m in record["comparison"]["measures"]}
    taken = measures["cortex taken"][1]
    return [
        (f"{name}, {unit.replace('mm3', 'mm³')}",
         [measure_text(name, unit, v, nothing_cut=t == 0) for v, t in zip(values, taken, strict=True)])
        for name, (unit, values) in measures.items()
    ]  # fmt: skip


def wall_note(record: dict[str, Any]) -> str:
    """Return how the walls of the comparison are measured, and whose the least one is, in sentences."""
    wall = record["wall"]
    anywhere, cut = wall["least_anywhere_mm"], wall["least_where_cut_mm"]
    words = (
        "Walls, for custom and stock alike: bone that no tool touches has its own wall across the cortex, whichever "
        "stem is chosen; where a tool cuts, the wall is what stays outside the hole (of a hole that is not round: to "
        "the nearest point of the outer surface, the stricter measure)."
    )
    if anywhere is None:
        return words
    if cut is None:
        return f"{words} Nothing is cut here: the least wall, {wall_text(anywhere)} mm, is the bone's own."
    if anywhere < cut:
        return (
            f"{words} The least wall, {wall_text(anywhere)} mm, is the bone's own and is not cut; the limit of "
            f"{wall_text(wall['limit_mm'])} mm is for what tools cut, and there {wall_text(cut)} mm stay."
        )
    return f"{words} The least wall, {wall_text(cut)} mm, is where a tool cuts."


def measure_text(name: str, unit: str, value: float | None, *, nothing_cut: bool) -> str:
    """Return one number of the comparison; a wall is rounded down, as in every table of canalfit."""
    if value is None and nothing_cut and name == "least wall where cut":
        return "nothing cut"
    if value is not None and "wall" in name:
        return wall_text(value)
    return cell(value, 1 if unit == "mm" else 0)


def doubt_lines(record: dict[str, Any]) -> list[str]:
    """Return what is known of the measurement's doubt, in sentences."""
    doubt = record["measurement_doubt"]
    lines = []
    for name, words in (("canal_surface_se_mm", "canal's surface"), ("outer_surface_se_mm", "outer surface")):
        se = doubt[name]
        lines.append(
            f"Standard error of the {words}: not stated by this measurement."
            if se is None
            else f"Standard error of the {words}: median {se['median']:.2f} mm, 9 in 10 below {se['worst_tenth']:.2f}."
        )
    share = doubt["unmeasured_share"]
    lines.append(
        "The whole surface along the stem is measured."
        if share == 0
        else f"{max(share, 0.001):.1%} of the surface along the stem could not be told."
    )
    return lines


def _titled(sheet: Sheet, y: float, title: str, lines: list[str]) -> float:
    sheet.text(LEFT, y, title, 9, bold=True)
    y += 5.0
    for line in lines:
        sheet.box(LEFT, y - 2.2, 1.6, 1.6, fill=style.ACCENT)
        y = sheet.paragraph(LEFT + 4.0, y, line, WIDTH - 4.0, 7.6) + 0.8
    return y


def _write_html(custom: CustomPlan, record: dict[str, Any], case: ReportCase, path: Path) -> None:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from viewer.report_html import TEMPLATES
    from viewer.svg import pane_svg

    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    length = custom.design.implant.length_mm
    stations = section_stations(length, 8, record)
    drawings = [(side_pane(custom, p), 240.0) for p in ("bow", "across")] + [(wall_pane(custom), 260.0)]
    sections = [(section_pane(custom.design, s), 180.0) for s in stations]
    page = env.get_template("specification.html").render(
        record=record, heading=facts.heading(case.plan), case_name=facts.case_name(case.plan),
        cut=facts.cut_text(case.plan), research_use=RESEARCH_USE, pairs=form_pairs(record), columns=TABLE_COLUMNS,
        cell=cell, compared=compared_rows(record), doubt=doubt_lines(record), field_words=field_words,
        zones=[(style.LOOKS[zone_role(i)].fill, zone_words(z)) for i, z in enumerate(record["form"]["zones"])],
        table_note=table_note(record), wall_note=wall_note(record),
        drawings=[{"title": p.title, "svg": Markup(pane_svg(p, w))} for p, w in drawings],
        sections=[{"title": p.title, "svg": Markup(pane_svg(p, w))} for p, w in sections],
    )  # fmt: skip
    path.write_text(page, encoding="utf-8")
