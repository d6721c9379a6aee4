"""Operators that move, cut, join, repeat or enlarge, and those that make constants and shapes."""

from __future__ import annotations

from typing import cast

from zoo.checkpoints.onnx.operators.values import (
    FLOAT,
    INT64,
    MAX_KNOWN,
    MAX_WHOLE,
    WHOLE_TYPES,
    MisfitError,
    Node,
    Value,
    broadcast,
    one_axis,
    require,
    some_axes,
    whole_numbers,
)


def shape(node: Node, x: Value) -> Value:
    """Shape: the sizes of `x`, or those from `start` to `end`."""
    numbers = x.shape[node.whole("start", 0) : node.whole("end", len(x.shape))]
    return Value(INT64, (len(numbers),), numbers)


def constant(node: Node) -> Value:
    """Constant: one tensor, number or list in an attribute."""
    require(len(node.attributes) == 1, "a constant with one value")
    ((name, value),) = node.attributes.items()
    if name == "value" and isinstance(value, Value):
        return value
    require(name in ("value_int", "value_ints", "value_float", "value_floats"), f"a constant by {name}")
    dtype = INT64 if name.startswith("value_int") else FLOAT
    if isinstance(value, tuple):
        return Value(dtype, (len(value),), value if len(value) <= MAX_KNOWN else None)
    require(isinstance(value, int | float), f"a constant by {name}")
    return Value(dtype, (), (cast("int | float", value),))


def constant_of_shape(node: Node, target: Value) -> Value:
    """ConstantOfShape: one number, repeated to a known shape."""
    fill = node.attributes.get("value", Value(FLOAT, (1,), (0.0,)))
    if not isinstance(fill, Value) or fill.count != 1:
        raise MisfitError("its value is not one number")
    dims = whole_numbers(target)
    require(all(size > 0 for size in dims), "sizes that are not positive")
    small = fill.known is not None and len(dims) <= 1 and sum(dims) <= MAX_KNOWN
    return Value(fill.dtype, dims, fill.known * sum(dims or (1,)) if small and fill.known else None)


def range_(_node: Node, start: Value, limit: Value, delta: Value) -> Value:
    """Range: whole numbers from a known start up to a known limit, by a known step."""
    require(start.dtype in WHOLE_TYPES and not (start.shape or limit.shape or delta.shape), "not three whole numbers")
    first, last, step = (whole_numbers(x)[0] for x in (start, limit, delta))
    require(step != 0 and max(abs(first), abs(last), abs(step)) <= MAX_WHOLE, "a step of zero, or numbers too large")
    numbers = range(first, last, step)
    return Value(start.dtype, (len(numbers),), tuple(numbers) if len(numbers) <= MAX_KNOWN else None)


def reshape(node: Node, x: Value, target: Value) -> Value:
    """Reshape: 0 keeps a size (unless `allowzero`), one -1 takes what is left."""
    dims, keeps = list(whole_numbers(target)), not node.whole("allowzero", 0)
    require(all(size >= -1 for size in dims) and dims.count(-1) <= 1, "sizes below -1, or two of -1")
    dims = [x.shape[place] if size == 0 and keeps else size for place, size in enumerate(dims)]
    if -1 in dims:
        rest = -Value(x.dtype, tuple(dims)).count
        require(rest > 0 and x.count % rest == 0, f"{x.shape} does not fit {tuple(dims)}")
        dims[dims.index(-1)] = x.count // rest
    result = Value(x.dtype, tuple(dims), x.known if len(dims) <= 1 else None)
    require(result.count == x.count, f"{x.shape} does not fit {tuple(dims)}")
    return result


def flatten(node: Node, x: Value) -> Value:
    """Flatten: to a matrix, cut before `axis`."""
    axis = node.whole("axis", 1)
    require(-len(x.shape) <= axis <= len(x.shape), f"axis {axis}")
    rows = Value(x.dtype, x.shape[:axis]).count
    return Value(x.dtype, (rows, x.count // rows))


def transpose(node: Node, x: Value) -> Value:
    """Transpose: axes in another order."""
    order = node.wholes("perm", tuple(reversed(range(len(x.shape)))))
    require(sorted(order) == list(range(len(x.shape))), f"{order} is not an order of {len(x.shape)} axes")
    return Value(x.dtype, tuple(x.shape[axis] for axis in order))


def squeeze(_node: Node, x: Value, axes: Value | None = None) -> Value:
    """Squeeze: axes of size 1 go."""
    rank = len(x.shape)
    require(axes is None or axes.count > 0, "an empty list of axes, which means none to some and all to others")
    gone = some_axes(whole_numbers(axes), rank) if axes else [a for a in range(rank) if x.shape[a] == 1]
    require(all(x.shape[axis] == 1 for axis in gone), "an axis to be dropped is not of size 1")
    return Value(x.dtype, tuple(size for axis, size in enumerate(x.shape) if axis not in gone), x.known)


def unsqueeze(_node: Node, x: Value, axes: Value) -> Value:
    """Unsqueeze: new axes of size 1."""
    rank = len(x.shape) + axes.count
    new = some_axes(whole_numbers(axes), rank)
    rest = iter(x.shape)
    return Value(x.dtype, tuple(1 if a in new else next(rest) for a in range(rank)), x.known if rank <= 1 else None)


def concat(node: Node, *parts: Value) -> Value:
    """Concat: joined along one axis."""
    dims = [list(part.shape) for part in parts]
    axis = one_axis(node.whole("axis", 0), len(dims[0]))
    total = sum(size[axis] for size in dims)
    for size in dims:
        size[axis] = total
    require(all(size == dims[0] for size in dims), "the parts do not match")
    known = None
    if len(dims[0]) == 1 and total <= MAX_KNOWN and all(part.known is not None for part in parts):
        known = tuple(number for part in parts for number in part.known or ())
    return Value(parts[0].dtype, tuple(dims[0]), known)


def split(node: Node, x: Value, lengths: Value | None = None) -> tuple[Value, ...]:
    """Split: cut along one axis, into known lengths or as many equal ones as there are outputs."""
    axis = one_axis(node.whole("axis", 0), len(x.shape))
    size, parts = x.shape[axis], len(node.outputs)
    if lengths is None:
        require(node.whole("num_outputs", -1) == parts, "num_outputs is not the number of outputs")
        each = -(-size // parts)
        sides: tuple[int, ...] = (each,) * (parts - 1) + (size - each * (parts - 1),)
    else:
        sides = whole_numbers(lengths)
    require(len(sides) == parts and sum(sides) == size and min(sides) > 0, "the lengths do not add up")
    return tuple(Value(x.dtype, (*x.shape[:axis], side, *x.shape[axis + 1 :])) for side in sides)


def slice_(_node: Node, x: Value, starts: Value, ends: Value, *options: Value) -> Value:
    """Slice: from start to end with a step, along some axes."""
    first, last = whole_numbers(starts), whole_numbers(ends)
    axes, steps = (*options, None, None)[:2]
    along = some_axes(whole_numbers(axes) if axes else tuple(range(len(first))), len(x.shape))
    by = whole_numbers(steps) if steps else (1,) * len(first)
    require(all(abs(step) <= MAX_WHOLE for step in by), "steps out of bounds")
    # Backwards from before the first element: numpy finds nothing, ONNX begins at the first.
    begins = zip(along, first, by, strict=True)
    require(all(step > 0 or start >= -x.shape[axis] for axis, start, step in begins), "a start out of bounds")
    cuts = {axis: slice(*cut) for axis, *cut in zip(along, first, last, by, strict=True)}
    sides = [len(range(size)[cuts.get(axis, slice(None))]) for axis, size in enumerate(x.shape)]
    known = x.known[cuts.get(0, slice(None))] if x.known is not None and len(x.shape) == 1 else None
    return Value(x.dtype, tuple(sides), known)


def gather(node: Node, x: Value, indices: Value) -> Value:
    """Gather: rows picked by number."""
    axis = one_axis(node.whole("axis", 0), len(x.shape))
    known = None
    if x.known is not None and len(x.shape) == 1 and len(indices.shape) <= 1 and indices.known is not None:
        known = tuple(x.known[index] for index in whole_numbers(indices))
    return Value(x.dtype, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), known)


def gather_nd(node: Node, x: Value, indices: Value) -> Value:
    """GatherND: each row of `indices` picks by the numbers of the first axes after those shared with `x`."""
    shared, length = node.whole("batch_dims", 0), indices.shape[-1]
    require(0 <= shared < min(len(x.shape), len(indices.shape)), f"batch_dims {shared}")
    require(0 < length <= len(x.shape) - shared, f"{length} numbers for {len(x.shape) - shared} axes")
    require(x.shape[:shared] == indices.shape[:shared], "the shared axes do not match")
    return Value(x.dtype, (*indices.shape[:-1], *x.shape[shared + length :]))


def expand(_node: Node, x: Value, target: Value) -> Value:
    """Expand: repeated to a known shape by broadcasting."""
    dims = whole_numbers(target)
    require(all(size > 0 for size in dims), "sizes that are not positive")
    return Value(x.dtype, broadcast(x.shape, dims))


def tile(_node: Node, x: Value, repeats: Value) -> Value:
    """Tile: repeated along each axis."""
    times = whole_numbers(repeats)
    require(all(time > 0 for time in times), "repeats that are not positive")
    return Value(x.dtype, tuple(size * time for size, time in zip(x.shape, times, strict=True)))


def pad(node: Node, x: Value, pads: Value, _value: Value | None = None, axes: Value | None = None) -> Value:
    """Pad: never cuts, and never mirrors more than there is."""
    along = some_axes(whole_numbers(axes) if axes else tuple(range(len(x.shape))), len(x.shape))
    widths, sides = whole_numbers(pads), list(x.shape)
    require(len(widths) == 2 * len(along) and all(0 <= width <= MAX_WHOLE for width in widths), "pads do not match")
    mirrored = node.attributes.get("mode", "constant") != "constant"
    for axis, before, after in zip(along, widths, widths[len(along) :], strict=False):
        require(not mirrored or max(before, after) < x.shape[axis], "a pad reaches the picture's size")
        sides[axis] += before + after
    return Value(x.dtype, tuple(sides))


def resize(
    node: Node, x: Value, _roi: Value | None = None, scales: Value | None = None, target: Value | None = None
) -> Value:
    """Resize: to known sizes, or by known scales that give whole pixels; with `antialias` only rows and columns."""
    node.only(keep_aspect_ratio_policy="stretch")
    require("axes" not in node.attributes, "axes are not used")
    require(node.attributes.get("coordinate_transformation_mode") != "tf_crop_and_resize", "no crop")
    require((scales is None or not scales.count) != (target is None or not target.count), "scales or sizes, not both")
    if target is not None and target.count:
        dims = whole_numbers(target)
    else:
        factors = scales.known if scales and scales.known is not None else ()
        require(all(0 < factor <= MAX_WHOLE for factor in factors), "scales are not known, or not positive")
        exact = [size * factor for size, factor in zip(x.shape, factors, strict=True)]
        # Beyond 2**24 the runtime's float32 product may differ from this one.
        require(all(side == int(side) < 2**24 for side in exact), "scales that cut a pixel")
        dims = tuple(int(side) for side in exact)
    require(len(dims) == len(x.shape) and min(dims) > 0, "sizes do not match")
    if node.whole("antialias", 0):
        require(len(dims) == 4 and dims[:2] == x.shape[:2], "antialias of something else than pictures")
    return Value(x.dtype, dims)


def depth_to_space(node: Node, x: Value) -> Value:
    """DepthToSpace: channels become a block of pixels."""
    (n, channels, height, width), block = x.shape, node.whole("blocksize", 0)
    require(block > 0 and channels % block**2 == 0, f"blocksize {block}")
    return Value(x.dtype, (n, channels // block**2, height * block, width * block))


def space_to_depth(node: Node, x: Value) -> Value:
    """SpaceToDepth: a block of pixels becomes channels."""
    (n, channels, height, width), block = x.shape, node.whole("blocksize", 0)
    require(block > 0 and height % block == 0 and width % block == 0, f"blocksize {block}")
    return Value(x.dtype, (n, channels * block**2, height // block, width // block))
