"""What TensorFlow, slim and NumPy lack, imported as `import tf_extended as tfe`."""
from tf_extended.compat import slim, tf
from tf_extended.console import InputError, RunError, complain, duration, progress, run_script, say

__all__ = ["InputError", "RunError", "complain", "duration", "progress", "run_script", "say", "slim", "tf"]
