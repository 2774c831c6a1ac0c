"""A plugin that cannot be imported."""

raise RuntimeError("this plugin is out of order")
