"""From a checkpoint, or anybody's result files, to figures, charts and a report of where a detector fails."""
