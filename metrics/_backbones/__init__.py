"""Networks and signal transforms shared by metrics, one file each."""
