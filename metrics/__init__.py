"""Metrics, one file a family: pure maths on the features of shared backbones."""
