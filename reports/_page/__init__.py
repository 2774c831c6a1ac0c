"""The pages of `avbench report --format html`: templates, style, scripts, and what fills them."""
