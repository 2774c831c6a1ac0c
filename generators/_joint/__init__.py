"""The joint audio-video transformer that the bundled generators share, with its codecs, training and sampling."""
