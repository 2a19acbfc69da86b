"""What several tests hold the vectorised box arithmetic against, in plain Python."""


def naive_iou(a, b):
    """IoU of two boxes (ymin, xmin, ymax, xmax) in Python floats; 0 where they do not overlap."""
    a, b = [float(v) for v in a], [float(v) for v in b]
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if height <= 0 or width <= 0:
        return 0.0
    inter = height * width
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)
