"""Slow twin of the run kernels: the same sections with scipy, slice by slice on full masks."""

import numpy as np
from scipy import ndimage

EDGES = ndimage.generate_binary_structure(2, 1)
CORNERS = ndimage.generate_binary_structure(2, 2)


def solid_of(hu, threshold_hu):
    """Bone with its holes filled, slice by slice; what is not bone joins by edges only."""
    return np.stack([ndimage.binary_fill_holes(plane >= threshold_hu, EDGES) for plane in hu])


def sections_of(hu, threshold_hu):
    """List of dicts, one per section, in the order of their first voxel."""
    found = []
    for s, (plane, solid) in enumerate(zip(hu, solid_of(hu, threshold_hu), strict=True)):
        labels, count = ndimage.label(solid, CORNERS)
        order = sorted(range(1, count + 1), key=lambda k: tuple(np.argwhere(labels == k)[0]))
        for k in order:
            inside = labels == k
            bone = inside & (plane >= threshold_hu)
            index = np.argwhere(inside).astype(float)
            found.append(
                {
                    "slice": s,
                    "mask": inside,
                    "area": inside.sum(),
                    "bone_area": bone.sum(),
                    "bone_hu": plane[bone].mean(),
                    "hole_hu": plane[inside & ~bone].mean() if (inside & ~bone).any() else np.nan,
                    "centre": index.mean(axis=0),
                    "spread": np.cov(index.T, bias=True).reshape(2, 2),
                    "box": [
                        *np.ravel([[index[:, 0].min(), index[:, 0].max()], [index[:, 1].min(), index[:, 1].max()]])
                    ],
                }
            )
    return found


def links_of(sections):
    """Set of (section, section in the next slice, voxels one above the other)."""
    return {
        (i, j, int((a["mask"] & b["mask"]).sum()))
        for i, a in enumerate(sections)
        for j, b in enumerate(sections)
        if b["slice"] == a["slice"] + 1 and (a["mask"] & b["mask"]).any()
    }
