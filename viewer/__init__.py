"""Draws plans and decides nothing: report, pictures, meshes, and the planner in the browser."""

from viewer.bodies import write_meshes
from viewer.press import Press
from viewer.report import start_picture, start_report, write_report
from viewer.window import show

__all__ = ["Press", "show", "start_picture", "start_report", "write_meshes", "write_report"]
