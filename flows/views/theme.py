"""Colours that read on a light and on a dark page, and that colour-blind people can tell apart."""

from __future__ import annotations

# Okabe and Ito's palette without yellow and black, each of which is lost on one of the two grounds
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
TILE_COLOURS = ("#0072b2", "#b35c00", "#00805d", "#a8507f", "#3a6ea5", "#8a5a44")
TEXT = "#7b7f86"  # 4 : 1 against white and against the dark UI's ground
RULE = "#7b7f8640"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
