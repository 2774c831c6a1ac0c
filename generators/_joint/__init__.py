"""What the bundled joint generators share: streams, interactions, flow matching, codecs, training."""
