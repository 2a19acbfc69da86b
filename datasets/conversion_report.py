"""What a conversion found and did, as text and as JSON.

Every file and object that something was found about is named, with what was done. The same input gives the same
report: no time, no absolute path.
"""
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from datasets.findings import KINDS, NOTE, OBJECT, PICTURE, REPAIR, Finding, problems
from tf_extended.console import amount

_HEADINGS = {PICTURE: "Left out: pictures", OBJECT: "Left out: objects", REPAIR: "Repaired", NOTE: "Noted"}
_UNKNOWN_CLASS = "class_unknown"
# Files that are named for one unknown class: a wrong label map concerns every file.
_FILES_OF_CLASS = 10


class ConversionReport(NamedTuple):
    """description: the split's JSON; annotations: how many were examined; findings: about all of them."""

    description: dict
    annotations: int
    findings: Sequence[Finding]

    def summary(self) -> str:
        """A few lines: what was converted, what was found of each kind."""
        described = self.description
        objects, difficult = sum(described["objects"].values()), sum(described["difficult"].values())
        counts = ", ".join(f"{name} {count}" for name, count in described["objects"].items() if count)
        lines = [f"{described['name']}: {described['num_samples']} of {amount(self.annotations, 'picture')}, "
                 f"{amount(objects, 'object')} ({difficult} difficult): {counts or 'none'}"]
        for grade, heading in _HEADINGS.items():
            lines += [f"  {heading.lower()}: {count} × {KINDS[kind].meaning}; {KINDS[kind].action}"
                      for kind, count in _count_kinds(self.findings, grade)]
        return "\n".join(lines)

    def text(self) -> str:
        """The summary, then every finding under its kind."""
        lines = [self.summary()]
        for grade, heading in _HEADINGS.items():
            for kind, count in _count_kinds(self.findings, grade):
                lines += ["", f"{heading}: {KINDS[kind].meaning}; {KINDS[kind].action} ({count})"]
                lines += [f"  {finding.place}" + (f": {finding.detail}" if finding.detail else "")
                          for finding in self.findings if finding.kind == kind]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """The description, the counts and every finding."""
        return findings_json(self.findings, {"split": self.description, "annotations": self.annotations})


def findings_json(findings: Iterable[Finding], head: dict) -> str:
    """JSON of `head`, the number of findings of each kind, and the findings."""
    findings = list(findings)
    rows = [{"file": finding.file, "object": finding.object, "kind": finding.kind, "grade": finding.grade,
             "meaning": KINDS[finding.kind].meaning, "detail": finding.detail, "action": KINDS[finding.kind].action}
            for finding in findings]
    counts = Counter(finding.kind for finding in findings)
    return json.dumps({**head, "counts": dict(sorted(counts.items())), "findings": rows}, indent=1,
                      ensure_ascii=False) + "\n"


def problems_text(findings: Iterable[Finding]) -> str:
    """Every problem on a line of its own; objects of an unknown class are gathered, a line for each class."""
    found = problems(findings)
    lines = [f"  {finding}" for finding in found if finding.kind != _UNKNOWN_CLASS]
    files: dict[str, list[str]] = {}
    for finding in found:
        if finding.kind == _UNKNOWN_CLASS:
            files.setdefault(finding.detail, []).append(finding.file)
    for name, places in sorted(files.items()):
        distinct = sorted(set(places))
        more = f" and {len(distinct) - _FILES_OF_CLASS} more" if len(distinct) > _FILES_OF_CLASS else ""
        lines.append(f"  class {name!r} is not in the label map: {len(places)} object{'s' * (len(places) > 1)} in "
                     f"{', '.join(distinct[:_FILES_OF_CLASS])}{more}")
    return "\n".join(lines)


def _count_kinds(findings: Iterable[Finding], grade: str) -> list[tuple[str, int]]:
    counts = Counter(finding.kind for finding in findings if finding.grade == grade)
    return [(kind, counts[kind]) for kind in KINDS if counts[kind]]
