"""What a checkpoint gives to a net that starts from it; where it does not fit, why, and what to do about it.

Holding the two against each other is `tf_extended.checkpoints`' job.
"""
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tf_extended.compat import slim, tf
from tf_extended.console import InputError, amount

SHADOW = "/ExponentialMovingAverage"
_NORM = "/BatchNorm/"


@dataclass
class RestorePlan:
    """What a checkpoint gives to a graph: values by variable name, and what stays at its initial value, and why.

    skipped: [(variable, reason)] of variables that the checkpoint has in another shape, or that flags exclude.
    missing: variables that the checkpoint does not have. unused: what it has for variables that are not there.
    """

    source: str
    values: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    def table(self) -> str:
        """What was restored, skipped, missing and unused, for a person to read: whole scopes in one line."""
        skipped = [name for name, _ in self.skipped]
        missing = by_scope(self.missing, [*self.values, *skipped])
        unused = by_scope(self.unused, [*self.values, *skipped, *self.missing])
        lines = [f"restoring {amount(len(self.values), 'variable')} from {self.source}"]
        lines += [f"  skipped  {name}: {reason}" for name, reason in self.skipped]
        lines += [f"  missing  {what}: not in the checkpoint, left at the initial value" for what in missing]
        lines += [f"  unused   {what}: not in this net" for what in unused]
        return "\n".join(lines)

    def init_fn(self) -> Callable[[tf.Session], None]:
        """A function for slim.learning.train that assigns the values, also to moving averages of what they are for.

        Call it while the graph is still open.
        """
        here = {variable.op.name for variable in tf.global_variables()}
        averages = {name + SHADOW: value for name, value in self.values.items() if name + SHADOW in here}
        return slim.assign_from_values_fn(self.values | averages)

    def check(self, here: Sequence[str], stored: Mapping[str, np.ndarray], net_scope: str, ignore_missing_vars: bool,
              nets: Iterable[str]) -> None:
        """Raise InputError, with what to do, where nothing fits, variables are missing or values are not finite.

        here: the net's variables, which are under `net_scope`. nets: names of all nets that there are.
        """
        if not self.values and not self.missing:
            raise InputError("--checkpoint_exclude_scopes leaves nothing to restore; leave --checkpoint_path out, or "
                             "name narrower scopes")
        if not self.values:
            raise InputError(f"nothing of {self.source} fits this net: "
                             f"{why_nothing_fits(self.missing, stored, net_scope, nets)}")
        if self.missing and not ignore_missing_vars:
            raise InputError(f"{self.source} lacks {len(self.missing)} variables of this net, {self.missing[0]} the "
                             f"first; {what_to_do_about_missing(self.missing, here, stored)}")
        ruined = first_not_finite(self.values)
        if ruined:
            raise InputError(f"{self.source} is ruined: its values for {ruined} are not finite numbers; give an "
                             "earlier checkpoint or another copy of the file, or leave that variable out with "
                             "--checkpoint_exclude_scopes")


def by_scope(names: Sequence[str], others: Iterable[str]) -> list[str]:
    """The names, those of the largest scopes that hold none of the `others` counted together: `a/b, 3 variables`."""
    taken = {"/".join(name.split("/")[:depth]) for name in others for depth in range(1, name.count("/") + 1)}
    together: dict[str, list[str]] = {}
    for name in names:
        parts = name.split("/")
        scopes = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
        together.setdefault(next((scope for scope in scopes if scope not in taken), name), []).append(name)
    return [f"{scope}, {len(inside)} variables" if len(inside) > 1 else inside[0] for scope, inside in together.items()]


def first_not_finite(values: Mapping[str, np.ndarray]) -> str | None:
    """The name of the first array with values that are not finite numbers as float32 has them; None without one."""
    for name, value in values.items():
        try:
            with np.errstate(over="ignore"):
                finite = np.isfinite(np.asarray(value, np.float32)).all()
        except (TypeError, ValueError):  # text
            finite = False
        if not finite:
            return name
    return None


def why_nothing_fits(wanted: Collection[str], stored: Iterable[str], net_scope: str, nets: Iterable[str]) -> str:
    """The end of a sentence: what the names in the checkpoint are, and the flag that makes them fit, if one does.

    wanted: the variables of the net, under `net_scope`. nets: names of all nets that there are.
    """
    stored = sorted(name for name in stored if "/" in name)  # others are the optimiser's counters
    if stored and all(name.endswith(SHADOW) for name in stored):
        return (f"it holds moving averages only, {stored[0]} the first; give a checkpoint that has the weights "
                "themselves")
    bare = {name.removeprefix(f"{net_scope}/") for name in wanted}
    fitting = Counter("/".join(name.split("/")[:depth]) for name in stored for depth in range(name.count("/"))
                      if "/".join(name.split("/")[depth:]) in bare)
    scope, count = fitting.most_common(1)[0] if fitting else ("", 0)
    flag = f"--checkpoint_model_scope={scope or '/'}"
    parts = {part for name in stored for part in name.split("/")}
    other = next((net for net in nets if net != net_scope and net in parts), None)
    if other:
        return f"it is of {other}; give --model_name={other}" + (
            f", or {flag} for what both have" if 2 * count > len(bare) else "")
    if fitting:
        return f"its variables are under {scope or 'no scope'}; set {flag}"
    if any(name.startswith(f"{net_scope}/") for name in stored):
        return f"it has no variable {stored[0]}, nor any other of those; give the --model_name that has"
    tops = sorted({name.split("/")[0] for name in stored})[:8]
    return f"its variables are under {', '.join(tops) or 'no scope'}, none with a name of this net; give other weights"


def what_to_do_about_missing(missing: list[str], here: Iterable[str], stored: Iterable[str]) -> str:
    """The end of a sentence about variables that the checkpoint lacks. here: all variables of the net."""
    normed_here, normed_there = (any(_NORM in name for name in names) for names in (here, stored))
    if normed_there and not normed_here and all(name.endswith("/biases") for name in missing):
        return "it is of a net with batch normalisation; give --batch_norm"
    if normed_here and not normed_there and all(_NORM in name for name in missing):
        return ("it is of a net without batch normalisation; leave out --batch_norm, or let that begin at its initial "
                "values with --ignore_missing_vars")
    return "exclude them with --checkpoint_exclude_scopes or accept their initial values with --ignore_missing_vars"
