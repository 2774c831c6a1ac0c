"""What the bundled generators decode with besides their linear codecs: one file a network, its weights beside it."""
