"""Fit a raw scan, measure the quality of the result, and write its mesh and its field.

    python examples/01_fit_a_scan.py [SCAN]

Without SCAN, it simulates one: a sculpture seen by 16 cameras, with noise and without normals.
"""

import sys

import isofield
from isofield import families, render


def main() -> None:
    """Scan in, mesh and field out."""
    # A mesh or a cloud, in the file's own units.
    scan = isofield.read(sys.argv[1]) if sys.argv[1:] else render.scan(families.sculpture(), 30_000, noise=0.002)

    sdf = isofield.fit(scan, quality="fast", progress=lambda stage, share: print(f"  {stage} {share:.0%}"))
    extraction = sdf.extract()
    mesh = extraction.mesh  # a trimesh.Trimesh, in the scan's units
    print(f"{len(mesh.faces)} faces, watertight: {mesh.is_watertight}, problems: {extraction.problems or 'none'}")

    report = isofield.fit_report(mesh, sdf.points, sdf.spacing)
    print(f"points to surface: {report.median:.3g} (median), {report.p95:.3g} (95 %); volume {mesh.volume:.4g}")

    isofield.write_mesh(mesh, "scan_mesh.ply")
    sdf.save("scan_field")  # `isofield.load("scan_field")`, or `isofield mesh scan_field -o finer.ply --resolution 512`


if __name__ == "__main__":
    main()
