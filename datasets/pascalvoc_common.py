"""The 20 classes of PASCAL VOC and their ids, as the documented pipeline numbers them.

Not its job: other people's classes; `label_maps` reads those.
"""
_CATEGORIES = {
    "Vehicle": ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    "Animal": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "Indoor": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
    "Person": ("person",),
}


def _number_classes() -> dict[str, tuple[int, str]]:
    """VOC numbers its classes in alphabetical order, from 1; 0 is the background."""
    category_of = {name: category for category, names in _CATEGORIES.items() for name in names}
    numbered = {name: (number, category_of[name]) for number, name in enumerate(sorted(category_of), 1)}
    return {"none": (0, "Background"), **numbered}


# Class name → (id, category), 'none' = 0 included: the documented name and form.
VOC_LABELS = _number_classes()

# Class names in id order, without the background.
VOC_CLASSES = tuple(name for name, (number, _) in VOC_LABELS.items() if number > 0)
