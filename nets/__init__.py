"""Backbones, SSD heads, anchors, matching, coding, loss, decoding."""
