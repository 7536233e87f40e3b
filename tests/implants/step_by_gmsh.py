"""Reads a STEP file with gmsh and prints what it holds, as JSON; a process of its own, as gmsh resets signal handlers.

Afterwards a write to a closed pipe would kill whoever imported it (SIGPIPE), however much later.
"""

import json
import sys

import gmsh


def main(path: str) -> None:
    """Print the dimensions of the bodies in a STEP file, and the first body's volume (mm3) and range of z (mm)."""
    gmsh.initialize(interruptible=False)
    gmsh.option.setNumber("General.Terminal", 0)
    gmsh.option.setString("Geometry.OCCTargetUnit", "MM")
    bodies = gmsh.model.occ.importShapes(path)
    gmsh.model.occ.synchronize()
    box = gmsh.model.getBoundingBox(*bodies[0])
    found = {"dimensions": [dim for dim, _ in bodies], "volume_mm3": gmsh.model.occ.getMass(*bodies[0]),
             "z_mm": [box[2], box[5]]}  # fmt: skip
    gmsh.finalize()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
