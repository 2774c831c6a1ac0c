"""One decoder and one muxer: every clip is opened once and yields every view in one sweep."""
