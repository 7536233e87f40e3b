"""Draws plans and decides nothing: report, pictures, meshes, and the planner in the browser."""

from viewer.bodies import write_meshes
from viewer.report import write_report
from viewer.window import show

__all__ = ["show", "write_meshes", "write_report"]
